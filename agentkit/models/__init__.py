"""Models: the protocol, inference parameters, and `load`, which makes a model of a name or a LangChain object.

Importing this loads no provider's library.
"""

from agentkit.models.base import Chunk, Model, Params, ReplyFormat, Request
from agentkit.models.resolve import load

__all__ = ["Chunk", "Model", "Params", "ReplyFormat", "Request", "load"]
