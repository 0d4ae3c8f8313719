"""What a job is to train, read from its input files, and who trains it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

from optplan.planning.states import START, State, Transition
from optplan.planning.strategies import HandTuned, StageSpec, parse_stage
from optplan.reporting.records import read_json
from optplan.study import model_file, read_plan, read_record, variant_paths


def trainer(settings: dict) -> ModuleType:
    """Who does the training: of networks on videos, which imports torch, or of a simulated task."""
    simulated = settings["data"]["format"] == "simulated"
    return import_module("optplan.simulated" if simulated else "optplan.training.jobs")


def check_source(inputs, source: str):
    """ValueError unless the weights given are those that the source state's record points to."""
    if source == START:
        return
    record = read_record(inputs.record)
    expected = model_file(str(Path(inputs.record).parents[1]), inputs.record)
    if record["state"] != source or Path(expected) != Path(inputs.weights):
        raise ValueError(
            f"the transition from {source} was given {inputs.weights}, but {inputs.record} "
            f"(state {record['state']}) points to {expected}"
        )


def best_rival(inputs) -> float | None:
    """The best score so far into the same state, where transitions are bounded by it."""
    rivals = [read_json(path) for path in inputs.get("rivals", [])]
    return max((knee["fitted"] for knee in rivals), default=None)


def variant_transition(inputs, settings: dict, variant: str, number: int) -> Transition:
    """What stage `number` (from 1) of a variant trains, which may be a leap in the graph."""
    path = variant_paths(settings, inputs.plan)[variant]
    return Transition(path[number - 2] if number > 1 else None, path[number - 1])


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a strategy: what it is called, its setting, its epochs and its first weights.

    Its random numbers follow from its name. With a `loss` it goes on after its epochs until its
    training loss is as low, within limits. `ends` are the epochs after which a hand-tuned strategy
    leaves it, each with weights <epochs>.pt; without them there is one file of weights, of the end.
    """

    name: str
    setting: State | StageSpec
    epochs: int
    weights: str
    ends: tuple[int, ...] = ()
    loss: float | None = None


def planned_stage(strategy: str, number: int, inputs, *, to_loss: bool = False) -> Stage:
    """Stage `number` (from 1) of the plan that is given, or of a variant of it.

    `to_loss` is whether it trains on to the loss that planning had at its knee.
    """
    step = read_plan(inputs.plan)["path"][number - 1]
    return Stage(
        name=f"{strategy}/{number}",
        setting=State.parse(step["state"]),
        epochs=step["epochs"],
        weights=str(inputs.weights),
        loss=step.get("loss") if to_loss else None,
    )


def shared_stage(name: str, ends: Sequence[int], inputs) -> Stage:
    """The stage of that name, which hand-tuned strategies leave after `ends` epochs."""
    *before, setting = parse_stage(name)
    setting = replace(setting, epochs=max(ends))
    return Stage(name, setting, max(ends), _left_weights(inputs.weights, before), tuple(ends))


def final_weights(strategy: str, inputs) -> str:
    """The weights that a strategy ends with: of a hand-tuned one, a file in the folder given."""
    if inputs.get("plan"):
        return str(inputs.weights)
    return _left_weights(inputs.weights, HandTuned.parse(strategy).stages)


def _left_weights(given, stages: Sequence[StageSpec]) -> str:
    """The weights after `stages`; before the first one, those of the start."""
    return str(Path(given, f"{stages[-1].epochs}.pt") if stages else given)


def constant(setting: State | StageSpec, epochs: int) -> StageSpec:
    """The setting for that number of epochs; at a constant rate where it is a state."""
    if isinstance(setting, StageSpec):
        return replace(setting, epochs=epochs)
    return StageSpec(setting.sampling, setting.length, setting.rate, "constant", epochs)


def last_state(strategy: str, inputs) -> State | StageSpec:
    """The setting that a strategy ends with; its clips are those that the evaluation uses."""
    if inputs.get("plan"):
        return State.parse(read_plan(inputs.plan)["final"])
    return HandTuned.parse(strategy).stages[-1]
