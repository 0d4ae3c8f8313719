"""States, transitions and the graph that the planner walks (Sec. 3.1, 3.2 and Fig. 1 of the paper).

A state is one setting of the hyper-parameters; a transition fine-tunes the model of one state with
the hyper-parameters of another. Indices are 1-based, as in the paper: l1 is the shortest clip and
r1 the highest learning rate, whatever frames and rates a data set gives them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, total_ordering
from itertools import product

START = "start"
SAMPLINGS = ("cs", "us")
STATE_PATTERN = re.compile(r"(cs|us)-l([1-9]\d*)-r([1-9]\d*)")


@total_ordering
@dataclass(frozen=True, slots=True)
class State:
    """One setting: sampling "cs" (consecutive) or "us" (uniform), clip length l, learning rate r.

    States sort topologically: every transition of a `TransitionGraph` leads to a greater state.
    Raises ValueError on an unknown sampling or an index below 1.
    """

    sampling: str
    length: int
    rate: int

    def __post_init__(self):
        if self.sampling not in SAMPLINGS:
            raise ValueError(f"sampling {self.sampling!r} must be one of {', '.join(SAMPLINGS)}")
        if self.length < 1 or self.rate < 1:
            raise ValueError(
                f"a state's length and rate count from 1, got length {self.length}, "
                f"rate {self.rate}"
            )

    @property
    def name(self) -> str:
        return f"{self.sampling}-l{self.length}-r{self.rate}"

    @classmethod
    def parse(cls, name: str) -> "State":
        """The state called `name`; ValueError when no state can be called so."""
        match = STATE_PATTERN.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} names no state: write cs-l1-r2 or us-l3-r1")
        return cls(match[1], int(match[2]), int(match[3]))

    @property
    def _key(self) -> tuple[str, int, int]:
        # A unit move raises length + rate; the diagonal keeps the sum and raises the rate.
        return self.sampling, self.length + self.rate, self.rate

    def __lt__(self, other: "State") -> bool:
        return self._key < other._key


@total_ordering
@dataclass(frozen=True, slots=True)
class Transition:
    """Training from the model of `source` (None: the initial weights) with `target`'s setting.

    Transitions sort by target, then by source, the start first: "graph order".
    """

    source: State | None
    target: State

    def __post_init__(self):
        if self.source is not None and self.source.sampling != self.target.sampling:
            raise ValueError(f"transition {self.name} would change the sampling strategy")

    @property
    def source_name(self) -> str:
        return START if self.source is None else self.source.name

    @property
    def name(self) -> str:
        return f"{self.source_name}--{self.target.name}"

    @classmethod
    def parse(cls, name: str) -> "Transition":
        """The transition called `name`; ValueError when no transition can be called so."""
        source, separator, target = name.partition("--")
        if not separator:
            raise ValueError(
                f"{name!r} names no transition: write {START}--cs-l1-r1 or cs-l1-r1--cs-l1-r2"
            )
        return cls(None if source == START else State.parse(source), State.parse(target))

    def __lt__(self, other: "Transition") -> bool:
        if self.target != other.target:
            return self.target < other.target
        if self.source is None or other.source is None:
            return self.source is None and other.source is not None
        return self.source < other.source


@dataclass(frozen=True)
class TransitionGraph:
    """The directed acyclic graph of all transitions that a plan may use.

    kind "basic": the rate goes one step down, or the clip one step up. kind "extended" adds both
    at once with a shorter clip: length one step down and rate one step down.
    starts "two": training starts at (l1, r1) or (l2, r1), as Fig. 1 draws it; "one": at (l1, r1).
    No transition joins two sampling strategies. Raises ValueError on any other choice.
    """

    samplings: tuple[str, ...] = SAMPLINGS
    num_lengths: int = 3
    num_rates: int = 3
    kind: str = "extended"
    starts: str = "two"

    def __post_init__(self):
        samplings = tuple(self.samplings)
        if not samplings or len(set(samplings)) < len(samplings) or set(samplings) - {*SAMPLINGS}:
            raise ValueError(f"samplings {samplings} must be one or both of {SAMPLINGS}")
        if self.num_lengths < 1 or self.num_rates < 1:
            raise ValueError(
                f"num_lengths {self.num_lengths} and num_rates {self.num_rates} must be at least 1"
            )
        if self.kind not in ("basic", "extended"):
            raise ValueError(f"graph kind {self.kind!r} must be 'basic' or 'extended'")
        if self.starts not in ("one", "two"):
            raise ValueError(f"starts {self.starts!r} must be 'one' or 'two'")
        object.__setattr__(self, "samplings", tuple(sorted(samplings)))

    @cached_property
    def states(self) -> tuple[State, ...]:
        """All states, in a topological order."""
        settings = product(
            self.samplings, range(1, self.num_lengths + 1), range(1, self.num_rates + 1)
        )
        return tuple(sorted(State(*setting) for setting in settings))

    @cached_property
    def transitions(self) -> tuple[Transition, ...]:
        """All transitions, in the topological order of their targets."""
        return tuple(t for state in self.states for t in self.incoming(state))

    @property
    def finals(self) -> tuple[State, ...]:
        """The final state (longest clip, lowest rate) of each sampling strategy."""
        return tuple(State(s, self.num_lengths, self.num_rates) for s in self.samplings)

    def incoming(self, state: State) -> tuple[Transition, ...]:
        """The transitions into `state`, the start first, then in the order of their sources."""
        self._check(state)
        moves = [(0, -1), (-1, 0)]
        if self.kind == "extended":
            moves.append((1, -1))
        places = [(state.length + dl, state.rate + dr) for dl, dr in moves]
        sources = sorted(
            State(state.sampling, length, rate)
            for length, rate in places
            if 1 <= length <= self.num_lengths and 1 <= rate <= self.num_rates
        )
        starting = state.rate == 1 and state.length <= (2 if self.starts == "two" else 1)
        return tuple(Transition(s, state) for s in ([None] if starting else []) + sources)

    def outgoing(self, state: State | None) -> tuple[Transition, ...]:
        """The transitions out of `state`; None stands for the start."""
        if state is not None:
            self._check(state)
        return tuple(t for t in self.transitions if t.source == state)

    def paths(self, final: State) -> Iterator[tuple[State, ...]]:
        """Every path from the start to `final`, as the states after the start."""
        for transition in self.incoming(final):
            if transition.source is None:
                yield (final,)
            else:
                for path in self.paths(transition.source):
                    yield (*path, final)

    def position(self, state: State | None) -> tuple[float, float]:
        """(column, row) for a drawing: rates to the right, clips downwards, samplings stacked.

        The start (None) stands in column 0, half way down; the rows of two samplings are one apart.
        """
        if state is None:
            return 0.0, (len(self.samplings) * (self.num_lengths + 1) - 2) / 2
        self._check(state)
        block = self.samplings.index(state.sampling) * (self.num_lengths + 1)
        return float(state.rate), float(block + state.length - 1)

    def _check(self, state: State) -> None:
        inside = state.length <= self.num_lengths and state.rate <= self.num_rates
        if state.sampling not in self.samplings or not inside:
            raise ValueError(
                f"state {state.name} is not in the graph of {'/'.join(self.samplings)}, "
                f"l1..l{self.num_lengths}, r1..r{self.num_rates}"
            )
