"""Hand-tuned strategies: what planning is compared with (Sec. 5.3).

A strategy trains a sequence of clip lengths for equal numbers of epochs, and at each length lets
the learning rate fall in equal steps r1, r2, ... or along a cosine from r1 to 0. Strategies with
constant rates begin alike; `stage_tree` finds what needs to be trained only once.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from optplan.planning.states import SAMPLINGS

NAME_PATTERN = re.compile(r"(cs|us)((?:-l[1-9]\d*)+)-([1-9]\d*-step|cosine)-(\d+)")
PAPER_EPOCHS = (128, 192, 256, 320, 384)


@dataclass(frozen=True, slots=True)
class StageSpec:
    """Epochs with one sampling and clip length, at one rate or along a cosine that starts there."""

    sampling: str
    length: int
    rate: int
    schedule: str
    epochs: int

    @property
    def name(self) -> str:
        rate = f"r{self.rate}" if self.schedule == "constant" else self.schedule
        return f"{self.sampling}-l{self.length}-{rate}-{self.epochs}"


@dataclass(frozen=True, slots=True)
class HandTuned:
    """One strategy: sampling, clip length indices in order, "3-step" (any N) or "cosine", epochs.

    Raises ValueError when a part of the strategy would be left without an epoch.
    """

    sampling: str
    lengths: tuple[int, ...]
    decay: str
    epochs: int

    def __post_init__(self):
        object.__setattr__(self, "lengths", tuple(self.lengths))
        if self.sampling not in SAMPLINGS:
            raise ValueError(f"sampling {self.sampling!r} must be one of {', '.join(SAMPLINGS)}")
        if not self.lengths or min(self.lengths) < 1:
            raise ValueError(f"lengths {self.lengths} must be one or more indices from 1")
        if self.decay != "cosine" and not re.fullmatch(r"[1-9]\d*-step", self.decay):
            raise ValueError(f"decay {self.decay!r} must be 'cosine' or, say, '3-step'")
        parts = len(self.lengths) * self._rates_per_length
        if self.epochs < parts:
            raise ValueError(f"{self.name}: epochs must be at least its {parts} parts")

    @property
    def name(self) -> str:
        lengths = "-".join(f"l{length}" for length in self.lengths)
        return f"{self.sampling}-{lengths}-{self.decay}-{self.epochs}"

    @classmethod
    def parse(cls, name: str) -> "HandTuned":
        """The strategy called `name`; ValueError when none can be called so."""
        match = NAME_PATTERN.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} names no strategy: write cs-l1-l2-l3-3-step-48")
        lengths = tuple(int(length) for length in match[2].split("-l")[1:])
        return cls(match[1], lengths, match[3], int(match[4]))

    @property
    def stages(self) -> tuple[StageSpec, ...]:
        """The stages in order; where epochs do not divide evenly, earlier stages get one more."""
        schedule = "cosine" if self.decay == "cosine" else "constant"
        return tuple(
            StageSpec(self.sampling, length, rate, schedule, epochs)
            for length, total in zip(
                self.lengths, _shares(self.epochs, len(self.lengths)), strict=True
            )
            for rate, epochs in enumerate(_shares(total, self._rates_per_length), start=1)
        )

    @property
    def _rates_per_length(self) -> int:
        return 1 if self.decay == "cosine" else int(self.decay.removesuffix("-step"))


@dataclass(frozen=True, slots=True)
class SharedStage:
    """A stage that is trained once for all strategies that begin alike.

    `before` are the finished stages with their epochs; `stage` has the most epochs that a strategy
    trains it for. Strategies leave it after `ends`, which rise to that number.
    """

    before: tuple[StageSpec, ...]
    stage: StageSpec
    ends: tuple[int, ...]

    @property
    def name(self) -> str:
        return stage_name((*self.before, self.stage))


def stage_name(stages: Sequence[StageSpec]) -> str:
    """What the last of `stages` is called, by its own history: cs-l1-r1-16+cs-l1-r2, say.

    Its own number of epochs is no part of it: at a constant rate, strategies that train on and
    those that leave have the same first epochs. A cosine depends on its number of epochs.
    """
    *before, last = stages
    own = last.name if last.schedule == "cosine" else last.name.rpartition("-")[0]
    return "+".join([*(stage.name for stage in before), own])


def parse_stage(name: str) -> tuple[StageSpec, ...]:
    """The stages that a shared stage is called after; the last has 0 epochs at a constant rate."""
    stages = []
    for part in name.split("+"):
        sampling, length, kind, *epochs = part.split("-")
        cosine = kind == "cosine"
        schedule, rate = ("cosine", 1) if cosine else ("constant", int(kind[1:]))
        count = int(epochs[0]) if epochs else 0
        stages.append(StageSpec(sampling, int(length[1:]), rate, schedule, count))
    return tuple(stages)


def stage_tree(strategies: Iterable[HandTuned]) -> tuple[SharedStage, ...]:
    """Every stage of the strategies once, each after the one that it goes on from."""
    settings: dict[str, list[tuple[StageSpec, ...]]] = {}
    for strategy in strategies:
        for number in range(1, len(strategy.stages) + 1):
            stages = strategy.stages[:number]
            settings.setdefault(stage_name(stages), []).append(stages)
    tree = []
    for same in settings.values():
        longest = max(same, key=lambda stages: stages[-1].epochs)
        ends = sorted({stages[-1].epochs for stages in same})
        tree.append(SharedStage(longest[:-1], longest[-1], tuple(ends)))
    return tuple(tree)


def paper_grid(
    num_lengths: int, num_rates: int, epochs: Iterable[int] = PAPER_EPOCHS
) -> list[HandTuned]:
    """The grid of Sec. 5.3: 60 strategies for three clip lengths and the paper's `epochs`.

    Clip lengths are the first and the last, the last two, or all; rates fall in `num_rates` steps
    or along a cosine. Of two clip lengths there is one sequence only.
    """
    last = num_lengths
    sequences = {(1, last), (last - 1, last), tuple(range(1, last + 1))} if last > 1 else {(1,)}
    decays = (f"{num_rates}-step", "cosine")
    choices = product(SAMPLINGS, sorted(sequences), decays, epochs)
    return [HandTuned(*choice) for choice in choices]


def _shares(total: int, parts: int) -> list[int]:
    """`total` as equal integers, the earlier ones greater by one where it does not divide."""
    whole, rest = divmod(total, parts)
    return [whole + (k < rest) for k in range(parts)]
