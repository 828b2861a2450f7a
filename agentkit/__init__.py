"""ReAct and PAL agents that are safe to let act."""

import logging

from agentkit.agent import Agent
from agentkit.approval import Approval, ApprovalRequest, approve_all
from agentkit.batch import Batch, BatchResult, BatchSummary
from agentkit.budget import Budget
from agentkit.errors import (
    AgentkitError,
    AuthError,
    BadArguments,
    BadRequestError,
    ConfigError,
    ContextOverflowError,
    LimitReached,
    ModelError,
    ThrottledError,
    ToolError,
    TransientError,
)
from agentkit.events import Event
from agentkit.limits import Limits
from agentkit.messages import (
    Action,
    Finish,
    Malformed,
    Message,
    Observation,
    Reply,
    Run,
    Step,
    Tokens,
    Turn,
    Usage,
)
from agentkit.models import Params
from agentkit.models.retry import RetryPolicy
from agentkit.schema import IdempotencyKey, RunContext, Secret
from agentkit.strategies import Code, Pal, React
from agentkit.tool import Tool, tool
from agentkit.toolbox import Toolbox

__all__ = [
    "Action",
    "Agent",
    "AgentkitError",
    "Approval",
    "ApprovalRequest",
    "AuthError",
    "BadArguments",
    "BadRequestError",
    "Batch",
    "BatchResult",
    "BatchSummary",
    "Budget",
    "Code",
    "ConfigError",
    "ContextOverflowError",
    "Event",
    "Finish",
    "IdempotencyKey",
    "LimitReached",
    "Limits",
    "Malformed",
    "Message",
    "ModelError",
    "Observation",
    "Pal",
    "Params",
    "React",
    "Reply",
    "RetryPolicy",
    "Run",
    "RunContext",
    "Secret",
    "Step",
    "ThrottledError",
    "Tokens",
    "Tool",
    "ToolError",
    "Toolbox",
    "TransientError",
    "Turn",
    "Usage",
    "approve_all",
    "tool",
]

# A library stays silent until the program that uses it says where logs go.
logging.getLogger("agentkit").addHandler(logging.NullHandler())


def __getattr__(name: str) -> str:
    """`__version__`, looked up when asked for: reading package metadata takes as long as all the rest."""
    if name != "__version__":
        raise AttributeError(f"module 'agentkit' has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("agentkit-react")
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return "0.0.0"
