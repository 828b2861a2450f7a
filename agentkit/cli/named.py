"""Models that are objects of the user's: `package.module:name` and `file.py:name`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from agentkit.agent import ModelLike

__all__ = ["load_model"]

# A provider's name has no dot, and the part after it is rarely a Python name: "bedrock:amazon.nova-lite-v1:0".
OBJECT = re.compile(r"(?P<place>.+\.py|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+):(?P<name>[A-Za-z_]\w*)")


def load_model(name: str) -> ModelLike:
    """The object that a name stands for; a provider's model stays a name, for `agentkit.models.load`.

    Raises:
        ConfigError: no such module, file or object.
    """
    match = OBJECT.fullmatch(name)
    if match is None:
        return name
    from agentkit.user_modules import load_module, member

    found = member(load_module(match["place"]), match["name"], match["place"])
    return cast("ModelLike", found)  # whether it is a model, `agentkit.models.load` checks
