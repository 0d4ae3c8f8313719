"""Where the stopper stops, against the same transitions trained on."""

from collections.abc import Iterable
from statistics import fmean

import numpy as np
import pandas as pd

from optplan.planning.curves import FAMILIES, fit
from optplan.planning.knee import KneeStopper

RULES = (  # delay T, min_epochs, min_epochs_start
    *((delay, 10, 16) for delay in (3, 5, 8, 10, 12)),
    *((10, minimum, minimum) for minimum in (5, 16)),
)
WINDOW = 5  # epochs: noise of single scores must not count as a better model


def family_rows(curves: Iterable[dict]) -> pd.DataFrame:
    """Table 1 of the paper: how well each family fits."""
    rows = []
    for family in FAMILIES:
        fits = [fit(curve["scores"], family) for curve in curves]
        rows.append(
            {
                "Family": family,
                "RMSE (points)": f"{100 * fmean(f.rmse for f in fits):.2f}",
                "R²": f"{fmean(f.r2 for f in fits):.3f}",
                "Curves": len(fits),
            }
        )
    return pd.DataFrame(rows)


def stop_rows(curves: Iterable[dict]) -> pd.DataFrame:
    """What each rule trains and loses, of transitions whose curves go on to the last epoch."""
    curves, rows = list(curves), []
    for delay, minimum, minimum_start in RULES:
        outcomes = [
            _outcome(curve, delay, minimum_start if curve["start"] else minimum) for curve in curves
        ]
        trained, smooth, fitted, early = map(list, zip(*outcomes, strict=True))
        whole = fmean(len(curve["scores"]) - 1 for curve in curves)
        rows.append(
            {
                "T": delay,
                "Least epochs": f"{minimum} / {minimum_start}",
                "Epochs trained": f"{fmean(trained):.1f} of {whole:.0f}",
                "Lost, moving average (points)": f"{100 * fmean(smooth):.1f}",
                "Lost, whole fit (points)": f"{100 * fmean(fitted):.1f}",
                "Lost over 5 points": f"{sum(loss > 0.05 for loss in smooth)} of {len(curves)}",
                "Stopped early": f"{sum(early)}",
            }
        )
    return pd.DataFrame(rows)


def _outcome(curve: dict, delay: int, minimum: int) -> tuple[int, float, float, bool]:
    """(epochs trained, points lost by the moving average, by the whole fit, stopped early)."""
    scores = curve["scores"]
    last = len(scores) - 1
    stopper = KneeStopper(delay=delay, min_epochs=minimum, max_epochs=last)
    for epoch, score in enumerate(scores):
        decision = stopper.update(epoch, score)
        if decision.stop:
            break
    kept = decision.best_epoch
    smooth, whole = _smooth(scores), fit(scores, "exponential")
    lost = whole.value(whole.peak(last)) - whole.value(kept)
    return decision.epoch, float(smooth.max() - smooth[kept]), float(lost), decision.epoch < last


def _smooth(scores: list[float]) -> np.ndarray:
    """Centred moving averages; shorter at both ends."""
    half, scores = WINDOW // 2, np.asarray(scores)
    # Epoch 0 is another model's score, or a mere convention: it is averaged with nothing.
    inner = [scores[max(1, t - half) : t + half + 1].mean() for t in range(1, len(scores))]
    return np.array([scores[0], *inner])
