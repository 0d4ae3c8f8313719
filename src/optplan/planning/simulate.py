"""A simulated training task: what a planner can be tried on in milliseconds.

A model is four numbers. Its representation and its temporal competence grow towards bounds, the
second one towards a higher bound with longer clips; the noise of the learning rate keeps it below
its best; what it memorises of the training videos grows towards a bound that a high rate lowers,
and a part of it is lost when the clip length changes. Shortest clips and highest rate are the units
of the task: l2, l3 are 2, 4 times as long, r2, r3 are 10, 100 times as low.

The numbers are invented: they show how planners compare on such tasks, not how networks train.
"""

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from optplan.planning.states import SAMPLINGS, START, State
from optplan.planning.strategies import StageSpec

RANGES = {
    "best": (0.5, 0.9),  # accuracy of a perfect model
    "exponent": (0.7, 1.3),  # of the representation in the accuracy
    "representation_speed": (0.03, 0.12),
    "representation_power": (0.2, 0.5),  # of the learning rate in the speed
    "temporal_speed": (0.03, 0.12),
    "temporal_power": (0.2, 0.5),
    "temporal_short": (0.2, 0.7),  # the bound with clips of length l1
    "temporal_gain": (0.5, 1.2),  # of longer clips
    "temporal_weight": (0.1, 0.3),  # share of the accuracy that needs temporal competence
    "noise": (0.05, 0.2),  # share of the accuracy lost to the noise at rate r1
    "noise_power": (0.4, 0.8),
    "noise_speed": (0.1, 0.4),
    "memory_speed": (0.004, 0.02),
    "memory_power": (0.2, 0.5),
    "memory_length": (0.0, 0.5),  # power of the clip length in the speed
    "memory_limit": (0.4, 0.9),  # how much rate r1 lowers the bound
    "memory_loss": (0.2, 0.6),  # share that a change of the clip length undoes
    "memory_weight": (0.1, 0.4),  # accuracy that full memorisation costs
}
SPEEDS = ("representation_speed", "temporal_speed", "noise_speed", "memory_speed")


@dataclass(frozen=True, slots=True)
class Model:
    """A simulated model: every field but `setting`, the last state it trained in, is in [0, 1].

    `asdict(model)` can be written as JSON, and `Model(**values)` is the same model again.
    """

    setting: str
    representation: float
    temporal: float
    noise: float
    memory: float


class Task:
    """One task: its parameters are drawn from `RANGES` by `seed`, the samplings differ a little.

    videos is the size of the validation set, whose scores have the errors of a sample of that size;
    jitter is the standard deviation of an error that all scores of one run have in common. Errors
    follow from the seed, the setting that the model was last trained with and the new one, so that
    two planners that train the same transition see the same errors.
    """

    def __init__(self, seed: int, *, videos: int = 2000, jitter: float = 0.003):
        rng = np.random.default_rng([seed, 0])
        shared = {
            key: math.exp(rng.uniform(*np.log(bounds))) if key in SPEEDS else rng.uniform(*bounds)
            for key, bounds in RANGES.items()
        }
        self.seed, self.videos, self.jitter = seed, videos, jitter
        self.initial = Model(START, 0.0, 0.0, shared["noise"], 0.0)
        self.parameters = {
            sampling: shared
            | {
                "best": shared["best"] + rng.uniform(-0.02, 0.02),
                "temporal_short": shared["temporal_short"] + rng.uniform(-0.1, 0.1),
                "memory_speed": shared["memory_speed"] * math.exp(rng.uniform(-0.3, 0.3)),
            }
            for sampling in SAMPLINGS
        }

    def accuracy(self, model: Model) -> float:
        """The true accuracy, as an endless test set would show it; 0 before any training."""
        if model.setting == START:
            return 0.0
        p = self.parameters[State.parse(model.setting).sampling]
        skill = p["best"] * model.representation ** p["exponent"] * (1 - model.noise)
        skill *= 1 - p["temporal_weight"] * (1 - model.temporal)
        return max(0.0, skill - p["memory_weight"] * model.memory**2)

    def train(self, model: Model, state: State) -> Iterator[tuple[float, Model]]:
        """(validation score, model) of epochs 0, 1, 2, ... with the state's setting, for ever.

        This is the `train` of `search.plan` and `search.train_transition`.
        """
        score = self._validation(model, state.name)
        yield score(model), model
        model = _enter(self.parameters[state.sampling], model, state)
        while True:
            model = self._epoch(model, state, 1.0)
            yield score(model), model

    def train_stage(self, model: Model, stage: StageSpec) -> Model:
        """The model after `stage.epochs` epochs at the stage's constant rate or along its cosine.

        The stage of a plan is `StageSpec(state.sampling, state.length, state.rate, "constant", n)`.
        """
        model = _enter(self.parameters[stage.sampling], model, stage)
        for epoch in range(stage.epochs):
            share = (epoch + 0.5) / stage.epochs
            cosine = stage.schedule == "cosine"
            model = self._epoch(
                model, stage, (1 + math.cos(math.pi * share)) / 2 if cosine else 1.0
            )
        return model

    def validate(self, model: Model, name: str) -> float:
        """One validation score, with an error of its own for every `name`."""
        return self._validation(model, name)(model)

    def _validation(self, model: Model, name: str) -> Callable[[Model], float]:
        run = zlib.crc32(f"{model.setting}--{name}".encode())
        rng = np.random.default_rng([self.seed, 1, run])
        offset = self.jitter * rng.standard_normal()

        def score(model: Model) -> float:
            accuracy = self.accuracy(model)
            if accuracy == 0:
                return 0.0
            # Not rng.binomial: how many numbers that takes depends on the accuracy.
            error = math.sqrt(accuracy * (1 - accuracy) / self.videos) * rng.standard_normal()
            right = round(self.videos * (accuracy + offset + error))
            return min(max(right, 0), self.videos) / self.videos

        return score

    def _epoch(self, model: Model, setting: State | StageSpec, decay: float) -> Model:
        """One more epoch, at `decay` times the setting's rate."""
        p = self.parameters[setting.sampling]
        rate, length = decay * 10.0 ** (1 - setting.rate), 2.0 ** (setting.length - 1)
        v, m, u, h = model.representation, model.temporal, model.noise, model.memory
        temporal = 1 - (1 - p["temporal_short"]) * length ** -p["temporal_gain"]
        limit = 1 - p["memory_limit"] * math.sqrt(rate)
        memorise = p["memory_speed"] * rate ** p["memory_power"] * length ** p["memory_length"]
        memorise *= min(1.0, 1.2 * v) if h < limit else 0.1  # forgetting is slow
        return replace(
            model,
            representation=v
            + p["representation_speed"] * rate ** p["representation_power"] * (1 - v),
            temporal=m + p["temporal_speed"] * rate ** p["temporal_power"] * (temporal - m),
            noise=u + p["noise_speed"] * (p["noise"] * rate ** p["noise_power"] - u),
            memory=h + memorise * (limit - h),
        )


def _enter(parameters: dict, model: Model, setting: State | StageSpec) -> Model:
    """The model as training with another setting begins."""
    kept = 1.0
    if model.setting != START and State.parse(model.setting).length != setting.length:
        kept -= parameters["memory_loss"]
    name = State(setting.sampling, setting.length, setting.rate).name
    return replace(model, setting=name, memory=kept * model.memory)
