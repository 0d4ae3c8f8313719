"""Hand-tuned strategies: what planning is compared with (Sec. 5.3).

A strategy trains a sequence of clip lengths for equal numbers of epochs, and at each length lets
the learning rate fall in equal steps r1, r2, ... or along a cosine from r1 to 0. Strategies with
constant rates begin alike; `stage_tree` finds what needs to be trained only once.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from optplan.planning.states import SAMPLINGS

NAME_PATTERN = re.compile(r"(cs|us)((?:-l[1-9]\d*)+)-([1-9]\d*-step|cosine)-(\d+)")


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
class Segment:
    """Training that several strategies share: from the end of `parent` to the end of `stages`.

    Both are all stages so far. Where the last stage of `parent` goes on, so does its optimiser.
    """

    parent: tuple[StageSpec, ...]
    stages: tuple[StageSpec, ...]

    @property
    def name(self) -> str:
        return "+".join(stage.name for stage in self.stages)

    @property
    def epochs(self) -> int:
        """The epochs that this segment itself trains, all with its last stage's setting."""
        continued = len(self.parent) == len(self.stages)
        return self.stages[-1].epochs - (self.parent[-1].epochs if continued else 0)


def stage_tree(strategies: Iterable[HandTuned]) -> tuple[Segment, ...]:
    """Every segment of the strategies once, each after its parent.

    The result of a strategy is the end of the segment with the same stages. A stage with a constant
    rate is cut at each epoch where a strategy leaves it. Cosine stages are shared as a whole only,
    because their rate depends on their number of epochs.
    """
    return tuple(_grow((), sorted({strategy.stages for strategy in strategies}, key=str)))


def _grow(stem: tuple[StageSpec, ...], runs: list[tuple[StageSpec, ...]]) -> Iterator[Segment]:
    """The segments after `stem`, which is how each of the runs begins."""
    settings: dict[StageSpec, set[int]] = {}
    for run in runs:
        if len(run) > len(stem):
            stage = run[len(stem)]
            key = replace(stage, epochs=0) if stage.schedule == "constant" else stage
            settings.setdefault(key, set()).add(stage.epochs)
    for setting, ends in settings.items():
        parent = stem
        for epochs in sorted(ends):
            stages = (*stem, replace(setting, epochs=epochs))
            yield Segment(parent, stages)
            yield from _grow(stages, [run for run in runs if run[: len(stages)] == stages])
            parent = stages


def _shares(total: int, parts: int) -> list[int]:
    """`total` as equal integers, the earlier ones greater by one where it does not divide."""
    whole, rest = divmod(total, parts)
    return [whole + (k < rest) for k in range(parts)]
