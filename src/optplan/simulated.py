"""The jobs of the workflow on a simulated task: the same files as those of real training.

Weights are the JSON of a simulated model, seconds are nominal, and nothing imports torch.
"""

from dataclasses import asdict
from pathlib import Path

from optplan.assignments import (
    Stage,
    best_rival,
    check_source,
    constant,
    final_weights,
    variant_transition,
)
from optplan.config import clip_spec, planning_spec, stopper_settings
from optplan.files import write_json, write_lines
from optplan.planning.knee import KneeStopper
from optplan.planning.search import candidate, train_transition
from optplan.planning.simulate import Model, Task
from optplan.planning.states import State, Transition
from optplan.planning.strategies import StageSpec
from optplan.progress import Reporter
from optplan.reporting.records import read_json

TRAINING_SHARE = 4  # training videos for every validation video
SECONDS_PER_FRAME = 1e-4  # nominal: about that of a small network on a GPU


def initialise(inputs, settings: dict, *, seed: int, output: str):
    """The untrained model of the task."""
    write_json(asdict(_task(settings).initial), output)


def run_transition(inputs, settings: dict, *, source: str, target: str, seed: int, outputs, log):
    """Train one transition to its knee and write curve, knee, weights and cost."""
    check_source(inputs, source)
    transition = Transition.parse(f"{source}--{target}")
    _train_to_knee(inputs, settings, transition, transition.name, outputs, log)


def run_variant(inputs, settings: dict, *, variant: str, number: int, seed: int, outputs, log):
    """The same for stage `number` (from 1) of a variant path."""
    transition = variant_transition(inputs, settings, variant, number)
    _train_to_knee(inputs, settings, transition, f"{variant}/{number}", outputs, log)


def _train_to_knee(inputs, settings: dict, transition: Transition, name: str, outputs, log):
    state, from_start = transition.target, transition.source is None
    rival = best_rival(inputs)
    stopping = stopper_settings(settings, from_start=from_start, rival=rival)
    counted = settings if name == transition.name else None
    reporter = Reporter(name, run=Path(outputs.knee).parents[2], log=log, settings=counted)
    trained = train_transition(
        _task(settings).train, _model(inputs), state, KneeStopper(**stopping)
    )
    curve = [
        {"epoch": epoch, "loss": None, "top1": score} for epoch, score in enumerate(trained.scores)
    ]
    found = candidate(transition, trained.decision)
    cost = _cost(settings, state, found["trained_epochs"], evaluations=len(curve) - from_start)
    write_json(asdict(trained.model), outputs.weights)
    write_lines(curve, outputs.curve)
    write_json(cost, outputs.cost)
    frames = cost["frames_trained"] + cost["frames_evaluated"]
    write_json(found | {"rival": rival, "frames": frames}, outputs.knee)
    reporter.finished(found)


def run_stage(inputs, settings: dict, *, stage: Stage, seed: int, outputs, log):
    """Train a stage of a strategy."""
    model = Model(**read_json(stage.weights))
    Path(log).touch()
    for epochs in stage.ends or (stage.epochs,):
        left = _task(settings).train_stage(model, constant(stage.setting, epochs))
        file = Path(outputs.weights)
        if stage.ends:
            file.mkdir(parents=True, exist_ok=True)
            file /= f"{epochs}.pt"
        write_json(asdict(left), file)
    write_lines([], outputs.curve)
    write_json(_cost(settings, stage.setting, stage.epochs, evaluations=0), outputs.cost)


def run_evaluation(inputs, settings: dict, *, strategy: str, outputs):
    """The accuracy of the model without an error, as an endless test set would show it."""
    model = Model(**read_json(final_weights(strategy, inputs)))
    top1 = _task(settings).accuracy(model)
    write_json({"top1": top1}, outputs.scores)
    videos = settings["data"]["validation_videos"]
    metrics = {"strategy": strategy, "top1": top1, "top5": None, "videos": videos}
    write_json(metrics, outputs.metrics)


def _task(settings: dict) -> Task:
    data = settings["data"]
    return Task(data["task"], videos=data["validation_videos"])


def _model(inputs) -> Model:
    return Model(**read_json(inputs.weights))


def _cost(settings: dict, stage: State | StageSpec, epochs: int, *, evaluations: int) -> dict:
    videos, state = settings["data"]["validation_videos"], (stage.sampling, stage.length)
    trained = epochs * TRAINING_SHARE * videos * clip_spec(settings, *state).length
    evaluated = evaluations * videos * planning_spec(settings, *state).length
    return {
        "epochs": epochs,
        "frames_trained": trained,
        "frames_evaluated": evaluated,
        "seconds": (trained + evaluated) * SECONDS_PER_FRAME,
        "device": "simulated",
    }
