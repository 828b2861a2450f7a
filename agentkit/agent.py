"""The agent: a model, tools and a strategy, put together once; every run is a flow that a driver runs."""

from __future__ import annotations

import copy
import secrets
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict, Unpack, get_args

from agentkit.answers import Answers
from agentkit.approval import Approver, OnApproval
from agentkit.assembly import Assembly, JournalChoice, Start, cost_usd
from agentkit.budget import Budget
from agentkit.errors import ConfigError
from agentkit.events import Event
from agentkit.flow import Flow, Perform
from agentkit.interpreter import Interpreter, default_interpreter
from agentkit.limits import Limits
from agentkit.messages import Message, Run, Tokens, Turn
from agentkit.models import Model, Params, load
from agentkit.models.resolve import is_chat_model
from agentkit.models.retry import RetryPolicy
from agentkit.operations import adrive, aended, drive, ended
from agentkit.prompt import PromptChoice
from agentkit.strategies import StrategyLike, strategy
from agentkit.toolbox import Toolbox, ToolLike

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from agentkit.batch import Batch
    from agentkit.batch_pool import BatchResult, Engine, Order
    from agentkit.journal.recordings import Recording
    from agentkit.runnable import AgentRunnable

__all__ = ["Agent", "History", "ModelLike"]

ModelLike: TypeAlias = "str | Model | BaseChatModel"
History: TypeAlias = "Run | Sequence[Turn] | None"
Config: TypeAlias = "Mapping[str, object] | None"


class BatchOptions(TypedDict, total=False):
    """The options of `Agent.batch`, for `abatch`."""

    concurrency: int
    budget: Budget | None
    batch_id: str | None
    order: Order
    engine: Engine | None
    allow_drift: bool
    config: Config


class Agent:
    """Answers questions with a model and tools. Safe to share between threads and tasks.

    Args:
        model: a name ("bedrock:…", "openai:…", "local"), a LangChain chat model, or anything with agentkit's `Model`
            protocol.
        tools: agentkit tools, LangChain tools, plain functions.
        strategy: "react", "pal", or a strategy with options, like `Pal(samples=5)`.
        prompt: a prompt's name or path, or a mapping that replaces several files (see `Prompts.choose`); by default
            the strategy's own, in the model's edition where it has one (`prompts`).
        limits: how far a run may go.
        answer_type: a pydantic model or any other type: the answer must fit it, and is in `Run.value`.
        approve: asked before a tool that needs approval; without it such tools are refused.
        params: inference parameters, by name or as `Params`.
        fallback: models that are asked when the first one fails for good.
        retry: how a model call that failed for the moment is tried again.
        interpreter: where programs run; agentkit's own sandbox by default.
        wrap: wrappers around `perform`, outermost first, for what must see every effect (a tracer, a cache).
        journal: where runs are written down, so that `resume` can carry them on: by default a file in the user's data
            directory (AGENTKIT_JOURNAL names another place, or "off"); None for nowhere. See docs/durability.md.
        on_approval: "ask": a tool that needs approval waits for `approve`. "park": where `approve` gives no answer, or
            there is none, the question is written down in the journal and the run ends with stop_reason
            "needs_approval"; `Journal.approve` or `deny` answers it, and `resume` goes on.

    Raises:
        ConfigError: whatever does not fit together, now and not in the middle of a run.

    Example:
        >>> from agentkit.testing import ScriptedModel
        >>> Agent(ScriptedModel(["Final Answer: 4"])).run("2 + 2?").answer
        '4'
    """

    def __init__(  # noqa: PLR0913 - the whole configuration, all but the first two by name
        self,
        model: ModelLike,
        tools: Iterable[ToolLike] = (),
        *,
        strategy: StrategyLike = "react",
        prompt: PromptChoice = None,
        limits: Limits | None = None,
        answer_type: object = None,
        approve: Approver | None = None,
        params: Mapping[str, object] | Params | None = None,
        fallback: Sequence[ModelLike] = (),
        retry: RetryPolicy | None = None,
        interpreter: Interpreter | None = None,
        wrap: Sequence[Callable[[Perform], Perform]] = (),
        journal: JournalChoice = "default",
        on_approval: OnApproval = "ask",
    ) -> None:
        self._lock = threading.Lock()
        self._interpreter = interpreter
        self._own_sandbox: Interpreter | None = None
        params = params if isinstance(params, Params) else Params.of(params or {})
        models = tuple(_loaded(item, params) for item in (model, *fallback))
        # A model may have an edition of the prompts that it was trained with.
        prompt = getattr(models[0], "prompts", None) if prompt is None else prompt
        plan = _strategy(strategy).plan(Toolbox(tools), prompt, self._sandbox)
        self._assembly = Assembly(
            models=models,
            plan=plan,
            answers=Answers(answer_type, plan.prompts),
            limits=limits or Limits(),
            params=params,
            retry=retry or RetryPolicy(),
            approve=approve,
            wrap=tuple(wrap),
            journal=journal,
            on_approval=on_approval,
        )
        self._check()

    def run(self, question: str, *, history: History = None, run_id: str | None = None, config: Config = None) -> Run:
        """Answer a question.

        Args:
            question: what is asked.
            history: an earlier run (or turns) whose conversation this question continues.
            run_id: the run's name; made up if not given.
            config: a LangChain RunnableConfig that is handed on to the model (callbacks, tags).

        Raises:
            ModelError: no model answered; `error.run` holds the steps so far.
        """
        return ended(self.stream(question, history=history, run_id=run_id, config=config))

    async def arun(
        self, question: str, *, history: History = None, run_id: str | None = None, config: Config = None
    ) -> Run:
        """`run`, in the running event loop."""
        return await aended(self.astream(question, history=history, run_id=run_id, config=config))

    def stream(
        self, question: str, *, history: History = None, run_id: str | None = None, config: Config = None
    ) -> Generator[Event, None, Run]:
        """The run's events as they happen; the last is `RunEnded`. Closing the generator ends the run."""
        return drive(self.flow(question, history=history, run_id=run_id, config=config))

    def astream(
        self, question: str, *, history: History = None, run_id: str | None = None, config: Config = None
    ) -> AsyncGenerator[Event, None]:
        """`stream`, in the running event loop."""
        return adrive(self.flow(question, history=history, run_id=run_id, config=config))

    def flow(
        self, question: str, *, history: History = None, run_id: str | None = None, config: Config = None
    ) -> Flow[Run]:
        """The run as a flow of operations and events, for a driver of one's own."""
        if not question.strip():
            raise ConfigError("The question is empty.")
        return self._assembly.flow(
            Start(question, _turns(history), run_id or secrets.token_hex(8), datetime.now().astimezone(), config)
        )

    def resume(self, run_id: str, *, allow_drift: bool = False, config: Config = None) -> Run:
        """Carry on a run of the journal that a crash, an error or a question to a person cut off.

        What the journal has is not done again: no model is asked and no tool is called for it. A run that has ended
        gives its `Run` once more.

        Args:
            allow_drift: go on although tools, prompts or model are not those that began the run.

        Raises:
            ConfigError: there is no journal, or the agent is not the one that began the run.
            JournalError: there is no such run, or another process drives it.
            ModelError: no model answered; `error.run` holds the steps so far.
        """
        return ended(drive(self.resume_flow(run_id, allow_drift=allow_drift, config=config)))

    async def aresume(self, run_id: str, *, allow_drift: bool = False, config: Config = None) -> Run:
        """`resume`, in the running event loop."""
        return await aended(adrive(self.resume_flow(run_id, allow_drift=allow_drift, config=config)))

    def resume_flow(self, run_id: str, *, allow_drift: bool = False, config: Config = None) -> Flow[Run]:
        """`resume` as a flow of operations and events (`drive` and `adrive` run it)."""
        return self._assembly.resume(run_id, config, allow_drift=allow_drift)

    def fork(
        self,
        run: str | Recording,
        at: int,
        *,
        reply: str | None = None,
        observation: str | None = None,
        run_id: str | None = None,
        config: Config = None,
    ) -> Run:
        """Begin a new run in the middle of another: the steps before `at` are copied, and nothing of them is done
        again; from there on this agent goes on. It may have another model, other prompts or limits: that is its use.

        Args:
            run: a run of the journal, or a recording.
            at: the first step that is done anew, from 1.
            reply: what the model is to have said at that step; it is not asked.
            observation: what is to have come of that step's action, which is neither chosen nor done anew.
            run_id: the new run's name; made up if not given.

        Raises:
            ConfigError: there is no journal, no such step, or it cannot be changed like that.
            JournalError: there is no such run.
            ModelError: no model answered; `error.run` holds the steps so far.
        """
        return ended(drive(self.fork_flow(run, at, reply=reply, observation=observation, run_id=run_id, config=config)))

    def fork_flow(
        self,
        run: str | Recording,
        at: int,
        *,
        reply: str | None = None,
        observation: str | None = None,
        run_id: str | None = None,
        config: Config = None,
    ) -> Flow[Run]:
        """`fork` as a flow of operations and events (`drive` and `adrive` run it)."""
        from agentkit.journal.forking import Change

        change = Change(at, reply, observation)
        return self._assembly.fork(run, change, run_id or secrets.token_hex(8), config)

    def batch(
        self,
        questions: Iterable[str],
        *,
        concurrency: int = 8,
        budget: Budget | None = None,
        batch_id: str | None = None,
        order: Order = "input",
        engine: Engine | None = None,
        allow_drift: bool = False,
        config: Config = None,
    ) -> Batch:
        """Many questions: `for result in agent.batch(questions)`, or `async for`. Nothing happens before the loop.

        A run that fails does not stop the others: it is a result with an error. See docs/batch.md.

        Args:
            questions: any iterable of texts, taken from as runs begin.
            concurrency: how many runs at once.
            budget: what all runs may use together, besides the limits of each.
            batch_id: a name under which the batch goes on where its journal ends; made up if not given. Runs are
                called `batch_id/place`.
            order: "input" gives results in the order of the questions, "completed" as runs end.
            engine: where runs are made, if not in this process: a `RayEngine`.
            allow_drift: go on although tools, prompts or model are not those that began the batch.
            config: a LangChain RunnableConfig that is handed on to the model (callbacks, tags).

        Raises:
            ConfigError: an option is wrong; and, in the loop: a question is empty, or is not the one that the batch
                began with, or another agent began the batch.
            JournalError: in the loop: the journal cannot be used, so that no run can go on.
        """
        from agentkit.batch import Batch

        if budget is not None and budget.max_cost_usd is not None:
            self._check_prices()
        return Batch(
            self._assembly,
            questions,
            concurrency=concurrency,
            budget=budget,
            batch_id=batch_id,
            order=order,
            engine=engine,
            allow_drift=allow_drift,
            config=config,
        )

    async def abatch(self, questions: Iterable[str], **options: Unpack[BatchOptions]) -> list[BatchResult]:
        """All results of `batch` at once, as a list, made in the running event loop."""
        return [result async for result in self.batch(questions, **options)]

    def opening(self, question: str, *, history: History = None) -> tuple[Message, ...]:
        """The messages with which a run would begin."""
        return self._assembly.opening(Start(question, _turns(history), "", datetime.now().astimezone()))

    def as_runnable(self, *, output: Literal["answer", "run"] = "answer") -> AgentRunnable:
        """This agent as a LangChain Runnable; see `agentkit.runnable`."""
        from agentkit.runnable import AgentRunnable

        return AgentRunnable(self, output=output)

    def close(self) -> None:
        """Let go of the sandbox, if this agent started one; the next run starts another."""
        with self._lock:
            sandbox, self._own_sandbox = self._own_sandbox, None
        if sandbox is not None:
            sandbox.close()

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def toolbox(self) -> Toolbox:
        """The tools, those of the strategy among them."""
        return self._assembly.plan.toolbox

    @property
    def models(self) -> tuple[Model, ...]:
        """The model and its fallbacks."""
        return self._assembly.models

    def like(self, assembly: Assembly) -> Agent:
        """An agent of other parts, which runs its programs where this one does."""
        made = copy.copy(self)
        made._assembly = assembly
        return made

    @property
    def assembly(self) -> Assembly:
        """Its parts, for what runs the loop in another way (a replay, a batch)."""
        return self._assembly

    def _sandbox(self) -> Interpreter:
        if self._interpreter is not None:
            return self._interpreter
        with self._lock:
            if self._own_sandbox is None:
                self._own_sandbox = default_interpreter()
            return self._own_sandbox

    def _check(self) -> None:
        if self._assembly.on_approval not in get_args(OnApproval):
            raise ConfigError(f"on_approval must be 'ask' or 'park', not {self._assembly.on_approval!r}.")
        journal: object = self._assembly.journal
        if journal not in (None, "default") and not hasattr(journal, "begin"):
            raise ConfigError(
                f"journal must be a Journal (of a URL: Journal('sqlite:///FILE')) or None, not {journal!r}."
            )
        if journal is None:
            self._assembly.check_parks_nothing()
        self.opening("?")  # a prompt that cannot be filled is refused here
        if self._assembly.limits.max_cost_usd is not None:
            self._check_prices()

    def _check_prices(self) -> None:
        for model in self.models:
            if cost_usd(model.name, Tokens(1, 1)) is None:
                raise ConfigError(f"max_cost_usd needs a known price, and that of {model.name!r} is not known.")


def _loaded(item: ModelLike, params: Params) -> Model:
    """The model; its provider checks the parameters now, where there is one."""
    if isinstance(item, str) or is_chat_model(item):
        return load(item, params=params)
    return load(item)


_strategy = strategy  # the constructor has a parameter of that name


def _turns(history: History) -> tuple[Turn, ...]:
    if isinstance(history, Run):
        return (*history.history, history.turn)
    return tuple(history or ())
