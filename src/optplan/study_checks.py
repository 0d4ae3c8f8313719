"""Checks of what experiments of one study say about each other: see `optplan.checks`."""

from optplan.places import BUILDS_ON
from optplan.schema import hint


def check_study(experiments: dict, fusions: dict):
    """ValueError for experiments, each checked already, and fusions that do not fit together."""
    for name, settings in experiments.items():
        if settings["plan_of"] is not None:
            _check_plan_of(settings, experiments, f"experiments.{name}.plan_of")
        if settings["weights_of"] is not None:
            where = f"experiments.{name}.weights_of"
            _check_known(settings["weights_of"], experiments, where)
            _check_seeds(settings, experiments[settings["weights_of"]], where)
    for name in experiments:
        _check_circle((name,), experiments)
    for name, fused in fusions.items():
        if name in experiments:
            raise ValueError(f"fusions.{name}: an experiment has this name; give another one")
        for member in fused:
            _check_known(member, experiments, f"fusions.{name}")
            if experiments[member]["data"]["format"] == "simulated":
                raise ValueError(
                    f"fusions.{name}: {member!r} is simulated and has no scores to be averaged"
                )


def _check_plan_of(settings: dict, experiments: dict, where: str):
    """The experiment whose plan is taken makes one, which this one can replay."""
    name = settings["plan_of"]
    _check_known(name, experiments, where)
    lender = experiments[name]
    if lender["plan"] is not None or lender["plan_of"] is not None:
        raise ValueError(
            f"{where}: {name!r} makes no plan itself; name an experiment with neither plan nor "
            f"plan_of, or give the file as plan"
        )
    if settings["plan"] is not None or settings["variants"]:
        key = "plan" if settings["plan"] is not None else "variants"
        raise ValueError(f"{where}: {name!r} cannot be combined with {key}; leave one of them out")
    _check_seeds(settings, lender, where)
    for key in ("clip_lengths", "learning_rates"):
        own, needed = len(settings["states"][key]), len(lender["states"][key])
        if own < needed:
            raise ValueError(f"{where}: {name!r} has {needed} states.{key}, this one only {own}")


def _check_seeds(settings: dict, lender: dict, where: str):
    """Each seed takes what the other experiment makes with the same seed."""
    missing = [seed for seed in settings["seeds"] if seed not in lender["seeds"]]
    if missing:
        raise ValueError(
            f"{where}: this experiment has seeds {_listed(settings['seeds'])}, the other one only "
            f"{_listed(lender['seeds'])}; give it {_listed(missing)} too, or leave them out here"
        )


def _listed(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds))


def _check_circle(trail: tuple[str, ...], experiments: dict):
    """No experiment builds on itself, alone or through the others of `trail`."""
    for key in BUILDS_ON:
        other = experiments[trail[-1]][key]
        if other == trail[0]:
            raise ValueError(
                f"experiments.{trail[-1]}.{key}: {other!r} would wait for itself "
                f"({' -> '.join((*trail, other))}); name an experiment that does without"
            )
        if other is not None and other not in trail:
            _check_circle((*trail, other), experiments)


def _check_known(name: str, experiments: dict, where: str):
    if name not in experiments:
        raise ValueError(
            f"{where}: there is no experiment {name!r}{hint(name, list(experiments))}; "
            f"there are {', '.join(experiments)}"
        )
