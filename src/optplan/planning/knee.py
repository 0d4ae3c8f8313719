"""The knee of a performance-epoch curve: when a transition has trained long enough (Sec. 3.3).

After every epoch t the curve is fitted to all scores so far; t* is the epoch where the fit is
greatest, and training stops once t > t* + delay. The model of epoch t* is the transition's result.
"""

from dataclasses import dataclass
from math import isfinite

from optplan.planning.curves import FAMILIES, MIN_OBSERVATIONS, Fit, fit

HORIZON = 60  # epochs; the fit of a curve that still rises may go on rising for ever


@dataclass(frozen=True, slots=True)
class Decision:
    """What the scores y_0..y_epoch say.

    best_epoch    t*; None before there are enough scores for a fit
    fitted        f(t*), in the unit of the scores
    observed      y_t*; None while t* lies ahead
    residual_std  of the scores around the fit
    identified    whether t* lies in the past. Until then t* is an extrapolation that jumps by many
                  epochs from one score to the next: do not show it as a forecast.
    upper         what the curve may reach at most, where there is a rival to beat
    reason        why training stops: "knee", "max_epochs", "bounded" (the rival cannot be beaten),
                  or None while it goes on
    """

    epoch: int
    stop: bool
    best_epoch: int | None
    fitted: float | None
    observed: float | None
    residual_std: float | None
    identified: bool
    upper: float | None
    reason: str | None
    fit: Fit | None


class KneeStopper:
    """Collects one score per epoch and says after each whether to stop.

    Epoch 0 is the model before training: the evaluated parent, or 0.0 for a start transition.
    A stop for the knee needs t >= min_epochs and t > t* + delay (strictly, as in the paper). At
    max_epochs training stops in any case, with the best of the epochs that were trained. Start
    transitions are safer with min_epochs 20, where a slow start could pass for a flat curve.

    With a `rival`, the fitted score of another transition into the same state, training also stops
    at t >= min_epochs when the curve cannot get there: when its greatest value in the next HORIZON
    epochs, plus `slack` residual standard deviations, is below the rival's score. Early fits err:
    with little slack, a transition that would win is now and then given up.

    Every fit starts afresh, so a decision depends on the scores alone, not on how they came in.
    Raises ValueError for settings that cannot be.
    """

    def __init__(
        self,
        *,
        delay: int = 10,
        min_epochs: int = 10,
        max_epochs: int = 400,
        family: str = "exponential",
        rival: float | None = None,
        slack: float = 2.0,
    ):
        if delay < 0 or min_epochs < 0:
            raise ValueError(f"delay {delay} and min_epochs {min_epochs} must not be negative")
        if max_epochs < max(min_epochs, MIN_OBSERVATIONS - 1):
            raise ValueError(
                f"max_epochs {max_epochs} must be at least min_epochs ({min_epochs}) and "
                f"{MIN_OBSERVATIONS - 1}, so that a curve can be fitted"
            )
        if family not in FAMILIES:
            raise ValueError(f"curve family {family!r} must be one of {', '.join(FAMILIES)}")
        if slack < 0 or (rival is not None and not isfinite(rival)):
            raise ValueError(f"slack {slack} must not be negative, and rival {rival} be finite")
        self.delay = delay
        self.min_epochs = min_epochs
        self.max_epochs = max_epochs
        self.family = family
        self.rival = rival
        self.slack = slack
        self.scores: list[float] = []

    def observe(self, epoch: int, score: float) -> None:
        """Take in a score without a decision; ValueError unless epochs come as 0, 1, 2, ..."""
        if epoch != len(self.scores):
            raise ValueError(f"epoch {epoch} came when epoch {len(self.scores)} was expected")
        if not isfinite(score):
            raise ValueError(f"the score of epoch {epoch} is {score}, it must be finite")
        self.scores.append(float(score))

    def update(self, epoch: int, score: float) -> Decision:
        """The decision after one more epoch: `observe`, then `decide`."""
        self.observe(epoch, score)
        return self.decide()

    def decide(self) -> Decision:
        """The decision about the scores so far: at most one fit. ValueError without any score."""
        epoch = len(self.scores) - 1
        if epoch < 0:
            raise ValueError("nothing to decide on: epoch 0, the model before training, is missing")
        if len(self.scores) < MIN_OBSERVATIONS:
            return Decision(epoch, False, None, None, None, None, False, None, None, None)
        curve = fit(self.scores, self.family)
        best = curve.peak(self.max_epochs)
        upper = None
        if self.rival is not None:
            upper = curve.value(min(best, epoch + HORIZON)) + self.slack * curve.residual_std
        reason = None
        if epoch >= self.min_epochs and epoch > best + self.delay:
            reason = "knee"
        elif epoch >= self.min_epochs and upper is not None and upper < self.rival:
            reason = "bounded"
        elif epoch >= self.max_epochs:
            reason = "max_epochs"
        identified = best < epoch
        if reason is not None:
            best = min(best, epoch)
        return Decision(
            epoch=epoch,
            stop=reason is not None,
            best_epoch=best,
            fitted=curve.value(best),
            observed=self.scores[best] if best <= epoch else None,
            residual_std=curve.residual_std,
            identified=identified,
            upper=upper,
            reason=reason,
            fit=curve,
        )
