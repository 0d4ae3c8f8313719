"""What a job is to train, read from its input files, and who trains it."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from optplan.planning.states import START, State, Transition
from optplan.planning.strategies import HandTuned, StageSpec
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
    path = [None, *variant_paths(settings, inputs.plan)[variant]]
    return Transition(path[number - 1], path[number])


def stage_of(strategy: str, number: int, inputs) -> tuple[State | StageSpec, int]:
    """Stage `number` (from 1) of a hand-tuned strategy or of the plan given, and its epochs."""
    if inputs.get("plan"):
        step = read_plan(inputs.plan)["path"][number - 1]
        return State.parse(step["state"]), step["epochs"]
    stage = HandTuned.parse(strategy).stages[number - 1]
    return stage, stage.epochs


def last_state(strategy: str, inputs) -> State | StageSpec:
    """The setting that a strategy ends with; its clips are those that the evaluation uses."""
    if inputs.get("plan"):
        return State.parse(read_plan(inputs.plan)["final"])
    return HandTuned.parse(strategy).stages[-1]
