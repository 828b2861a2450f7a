"""The journal: every effect of a run is written down, so that a crash loses nothing and nothing happens twice.

    agent = Agent(model, tools, journal=Journal())
    run = agent.run("Book me a flight", run_id="trip")    # the process dies in the middle ...
    run = agent.resume("trip")                            # ... and another one carries on

What is promised, and for which tools: docs/durability.md.
"""

from agentkit.errors import JournalError, LeaseLost, NeedsApproval, NeedsAttention
from agentkit.journal.journal import Journal
from agentkit.journal.recordings import Recording
from agentkit.journal.records import Attention, PendingApproval, RunRecord

__all__ = [
    "Attention",
    "Journal",
    "JournalError",
    "LeaseLost",
    "NeedsApproval",
    "NeedsAttention",
    "PendingApproval",
    "Recording",
    "RunRecord",
]
