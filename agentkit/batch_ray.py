"""Batches on a Ray cluster: `agent.batch(questions, engine=RayEngine(factory=make_agent))`. Needs the extra `ray`.

The process that loops over the batch hands out questions; actors on the cluster, each with an agent of its own, run
many of them at once. When an actor dies Ray starts another and calls it again, for the same run: what had been done is
in the journal, which all of them share, so that nothing is done twice.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentkit.batch_pool import Item, Job, LocalRunner, opened
from agentkit.budget import Budget, Ledger
from agentkit.errors import AgentkitError, ConfigError, ModelError
from agentkit.messages import Run

if TYPE_CHECKING:
    from agentkit.agent import Agent
    from agentkit.journal import Journal

__all__ = ["RayEngine"]

BALANCE_SECONDS = 0.25
"""How often the workers are told what all of them have used, where there is a budget."""
LATE_SECONDS = 20.0
"""How long the other workers are waited for when one has begun."""
STOP_SECONDS = 10.0
THREADS_SECONDS = 0.2
"""A thread of a run that was ended may be about to take its lease: it lets go of it right after."""
Factory: TypeAlias = "Callable[[], Agent] | str"
Spent: TypeAlias = tuple[int, float]
"""Tokens and US dollars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RayEngine:
    """Runs the questions of a batch on a Ray cluster.

    Attributes:
        factory: makes the agent, once on each worker, and the same as the one that has the batch: a function that Ray
            can send, or the name of one ("package.module:make_agent", "file.py:make_agent") that workers can import.
        address: of the cluster, as for `ray.init`; by default RAY_ADDRESS, else a cluster of this machine alone, which
            ends with the batch. A process that has joined one already uses that.
        workers: how many processes; by default one for each CPU of the cluster, but not more than runs at once.
        cpus: how many CPUs each worker takes.
        retries: how often a run is tried again when its worker dies.
        patience: seconds to wait for the first workers.
        runtime_env: what workers need besides what is installed there (see Ray's runtime environments).
    """

    factory: Factory
    address: str | None = None
    workers: int | None = None
    cpus: float = 1.0
    retries: int = 3
    patience: float = 120.0
    runtime_env: Mapping[str, object] | None = None

    def begin(self, job: Job, /) -> RayRunner:
        """Join the cluster and begin the workers.

        Raises:
            ConfigError: Ray is not installed or cannot be reached; the journal cannot be shared; no worker begins; or
                a worker has another agent or another journal.
        """
        journal = opened(job.assembly)
        if journal is None:
            raise ConfigError(
                "A worker may die in the middle of a run, and only a journal keeps the next one from doing everything "
                "again: Agent(…, journal=Journal(url)), with a database that all workers reach."
            )
        ray = _ray()
        ours = not ray.is_initialized()
        if ours:
            self._join(ray)
        try:
            _check_shared(journal.url, sum(1 for node in ray.nodes() if node["Alive"]))
            return RayRunner(ray, self._workers(ray, job, journal), job, ours=ours)
        except BaseException:
            if ours:
                ray.shutdown()
            raise

    def _join(self, ray: Any) -> None:
        address = self.address or os.environ.get("RAY_ADDRESS") or "local"
        options: dict[str, object] = {"log_to_driver": False, "logging_level": "ERROR"}
        if self.runtime_env is not None:
            options["runtime_env"] = dict(self.runtime_env)
        if address == "local":
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody asked for reports to Ray's makers
            options["include_dashboard"] = False
        try:
            ray.init(address, **options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConfigError(f"The Ray cluster at {address!r} cannot be joined: {_first_line(error)}") from error

    def _workers(self, ray: Any, job: Job, journal: Journal) -> list[Any]:
        cpus = int(ray.cluster_resources().get("CPU", 1) // self.cpus) if self.cpus else job.concurrency
        count = self.workers or max(1, min(cpus, job.concurrency))
        options = {"num_cpus": self.cpus, "max_restarts": -1, "max_task_retries": self.retries}
        actor = ray.remote(**options)(Worker).options(max_concurrency=job.concurrency + 8)
        begun = [
            actor.remote(self.factory, job.batch_id, job.ledger.budget, allow_drift=job.allow_drift)
            for _ in range(count)
        ]
        told = {worker.describe.remote(): worker for worker in begun}
        if not ray.wait(list(told), num_returns=1, timeout=self.patience)[0]:
            raise ConfigError(f"No worker began in {self.patience:g} s: the Ray cluster has no free CPUs.")
        ready, late = ray.wait(list(told), num_returns=count, timeout=min(self.patience, LATE_SECONDS))
        for ref in late:  # the cluster has no room for them: nothing must be sent there
            ray.kill(told[ref])
        for ref in ready:
            self._check(ray, ref, job, journal)
        return [told[ref] for ref in ready]

    def _check(self, ray: Any, ref: Any, job: Job, journal: Journal) -> None:
        from agentkit.journal.fingerprint import changes

        try:
            fingerprint, url = ray.get(ref)
        except ray.exceptions.RayError as error:
            why = _first_line(getattr(error, "cause", None) or error)
            raise ConfigError(f"A worker could not make its agent: {why}") from error
        if changed := changes(job.assembly.fingerprint, fingerprint):
            raise ConfigError(f"The workers' agent is not this one; it differs in: {', '.join(changed)}.")
        if url != journal.url:
            raise ConfigError(
                f"The workers keep another journal ({_named(url)}) than this process ({_named(journal.url)}): "
                "both need the same one."
            )


class RayRunner:
    """Hands questions to the workers, the least busy first."""

    def __init__(self, ray: Any, workers: Sequence[Any], job: Job, *, ours: bool) -> None:
        self._ray = ray
        self._load: dict[Any, int] = dict.fromkeys(workers, 0)
        self._spent: dict[Any, Spent] = dict.fromkeys(workers, (0, 0.0))
        self._job = job
        self._ours = ours
        self._balancing: asyncio.Task[None] | None = None

    async def answer(self, item: Item, /) -> Run:
        """The run of one question.

        Raises:
            AgentkitError: its worker died too often, or what the run itself failed with.
        """
        self._balance()
        worker = min(self._load, key=self._load.__getitem__)
        self._load[worker] += 1
        try:
            outcome = cast("Run | Exception", await worker.answer.remote(item))
        except self._ray.exceptions.RayActorError as error:
            raise AgentkitError(
                "Every worker that ran it died. What had been done is in the journal: the batch can go on."
            ) from error
        finally:
            self._load[worker] -= 1
        run = outcome.run if isinstance(outcome, ModelError) else outcome
        if isinstance(run, Run):
            self._job.ledger.add(run.usage.tokens, run.usage.cost_usd or 0.0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def aclose(self) -> None:
        """End what is going on, and the workers."""
        if self._balancing is not None:
            self._balancing.cancel()
        stopping = [worker.stop.remote() for worker in self._load]
        await asyncio.wait([asyncio.ensure_future(_settled(ref)) for ref in stopping], timeout=STOP_SECONDS)
        for worker in self._load:
            self._ray.kill(worker)
        if self._ours:
            self._ray.shutdown()

    def _balance(self) -> None:
        budget = self._job.ledger.budget
        if self._balancing is None and budget != Budget():
            self._balancing = asyncio.ensure_future(self._keep_balance())

    async def _keep_balance(self) -> None:
        while True:
            await asyncio.gather(*(self._tell(worker) for worker in self._load))
            await asyncio.sleep(BALANCE_SECONDS)

    async def _tell(self, worker: Any) -> None:
        ledger = self._job.ledger
        mine = self._spent[worker]
        others = (ledger.tokens + ledger.others[0] - mine[0], ledger.cost + ledger.others[1] - mine[1])
        left = None if ledger.deadline is None else ledger.deadline - time.monotonic()
        with suppress(self._ray.exceptions.RayError):  # it is being started again
            self._spent[worker] = await worker.balance.remote(others, left)
        spent = self._spent.values()
        ledger.others = (sum(tokens for tokens, _ in spent), sum(cost for _, cost in spent))


class Worker:
    """An actor: runs questions with an agent of its own."""

    def __init__(self, factory: Factory, batch_id: str, budget: Budget, *, allow_drift: bool) -> None:
        self._factory = factory
        self._batch_id = batch_id
        self._ledger = Ledger(budget)
        self._allow_drift = allow_drift
        self._job: Job | None = None
        self._tasks: set[asyncio.Task[Run]] = set()
        self._stopping = False

    async def describe(self) -> tuple[dict[str, str], str | None]:
        """The agent's fingerprint, and where its journal is.

        Raises:
            ConfigError: the factory makes no agent.
        """
        assembly = self._made().assembly
        journal = opened(assembly)
        return assembly.fingerprint, None if journal is None else journal.url

    async def answer(self, item: Item) -> Run | Exception:
        """The run, or what it failed with."""
        if self._stopping:  # what was under way when the batch was left
            return AgentkitError("The batch was left before this run began.")
        task = asyncio.ensure_future(LocalRunner(self._made()).answer(item))
        self._tasks.add(task)
        try:
            outcome: Run | Exception = await task
        except Exception as error:
            outcome = _sendable(error)
        finally:
            self._tasks.discard(task)
        run = outcome.run if isinstance(outcome, ModelError) else outcome
        if isinstance(run, Run):  # counted by whoever gets it, from now on
            self._ledger.add(-run.usage.tokens, -(run.usage.cost_usd or 0.0))
        return outcome

    async def balance(self, others: Spent, seconds: float | None) -> Spent:
        """Hear what is used elsewhere and how long is left; tell what the runs that go on here have used."""
        self._ledger.others = others
        if seconds is not None:
            self._ledger.deadline = time.monotonic() + seconds
        return self._ledger.tokens, self._ledger.cost

    async def stop(self) -> None:
        """End all runs; they let go of their leases. No other begins."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(THREADS_SECONDS)

    def _made(self) -> Job:
        if self._job is None:
            from agentkit.agent import Agent

            agent = _function(self._factory)()
            if not isinstance(agent, Agent):
                raise ConfigError(f"The factory of a RayEngine must make an Agent, not {agent!r}.")
            self._job = Job(
                assembly=replace(agent.assembly, ledger=self._ledger),
                batch_id=self._batch_id,
                concurrency=1,
                ledger=self._ledger,
                allow_drift=self._allow_drift,
            )
        return self._job


async def _settled(ref: Any) -> None:
    with suppress(Exception):
        await ref


def _function(factory: Factory) -> Callable[[], object]:
    if not isinstance(factory, str):
        return factory
    from agentkit.user_modules import load_module, member

    place, _, name = factory.rpartition(":")
    if not place or not name:
        raise ConfigError(f"{factory!r} names no function: write package.module:function or file.py:function.")
    return cast("Callable[[], object]", member(load_module(place), name, place))


def _sendable(error: Exception) -> Exception:
    """The error, if it survives the way to another process, else its text."""
    with suppress(Exception):
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        return error
    return AgentkitError(f"{type(error).__name__}: {error}")


def _check_shared(url: str, machines: int) -> None:
    from sqlalchemy import make_url

    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return
    if parsed.database in (None, "", ":memory:"):
        raise ConfigError("A journal in memory cannot be shared with Ray's workers: give it a PostgreSQL URL.")
    if machines > 1:
        raise ConfigError(
            f"The Ray cluster has {machines} machines, and the journal is a file of this one ({parsed.database}): "
            "give it a PostgreSQL URL, like postgresql+psycopg://user@host/journal."
        )


def _named(url: str | None) -> str:
    if url is None:
        return "none"
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _ray() -> Any:
    try:
        return import_module("ray")
    except ModuleNotFoundError:
        raise ConfigError("Ray is not installed: pip install 'agentkit-react[ray]'.") from None
