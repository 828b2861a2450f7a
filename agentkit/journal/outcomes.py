"""What became of effects, as it is written down."""

from __future__ import annotations

from dataclasses import replace

from agentkit.errors import LimitReached, ModelError
from agentkit.flow import Act, Ask
from agentkit.journal.past import call_of
from agentkit.journal.records import Failed, Outcome, dump
from agentkit.limits import Meter
from agentkit.messages import Observation, Reply, Usage

__all__ = ["failed_as", "outcome_of", "timeless"]


def outcome_of(effect: Ask | Act, result: Reply | Observation, meter: Meter) -> Outcome:
    """What an effect gave, and what the run had used by then."""
    if isinstance(result, Reply):
        return Outcome(meter.usage(), reply=result)
    counted = meter.has_called(effect.step, call_of(effect))
    return Outcome(Usage(seconds=meter.seconds), observation=result, counted=counted)


def failed_as(effect: Ask | Act, error: LimitReached | ModelError, meter: Meter) -> Outcome:
    """What the loop takes as a result of a failed effect.

    Raises:
        ModelError: it takes none.
    """
    if isinstance(error, LimitReached):
        return Outcome(meter.usage(), failed=Failed(str(error), error.limit))
    if not isinstance(effect, Ask) or not effect.last:
        raise error  # the run ends here, and a resumed one asks again
    # Its text may tell addresses and keys, and the loop does not ask for it.
    return Outcome(meter.usage(), failed=Failed(type(error).__name__))


def timeless(seen: Observation) -> str:
    """An observation as JSON, whatever time it took."""
    return dump(Outcome(observation=replace(seen, seconds=0.0)))
