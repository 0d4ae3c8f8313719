"""Synthetic performance-epoch curves: fifteen kinds in four groups, and noisy observations of them.

Ranges of the parameters were set once, before any stopping rule was measured on them. Times are in
epochs, accuracies are fractions. Nothing here comes from training a network.
"""

import numpy as np

MAX_EPOCHS = 400
JITTER = 0.004  # epoch-to-epoch noise of SGD, in accuracy

GROUPS = {
    "in class": ("exponential", "fine-tuning", "power", "multi-exponential", "multi-power"),
    "monotone": ("rising exponential", "rising power"),
    "degenerate": ("falling", "flat"),
    "outside": ("s-curve", "second step", "dip", "asymmetric", "power drift", "hill drift"),
}
KINDS = tuple(kind for kinds in GROUPS.values() for kind in kinds)
FINE_TUNING = frozenset({"fine-tuning", "falling", "flat", "dip"})  # these start from a parent


def mean_curve(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Expected accuracy after epochs 0..MAX_EPOCHS of a random curve of one kind: (401,)."""
    t = np.arange(MAX_EPOCHS + 1.0)
    top = rng.uniform(0.3, 0.9)
    rise, drift = _rise(kind, t, rng), _drift(kind, t, rng)
    return np.clip(top * rise - drift, 0, 1)


def observed(mean: np.ndarray, num_clips: float, rng: np.random.Generator) -> np.ndarray:
    """Scores of the curve on `num_clips` validation clips (inf: only the jitter of SGD is left)."""
    accuracy = np.clip(mean + rng.normal(0, JITTER, len(mean)), 0, 1)
    if num_clips == np.inf:
        return accuracy
    return rng.binomial(int(num_clips), accuracy) / int(num_clips)


def _saturation(t: np.ndarray, rate: float) -> np.ndarray:
    return 1 - np.exp(-t / rate)


def _logistic(t: np.ndarray, middle: float, width: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(t - middle) / width))


def _rise(kind: str, t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The curve without overfitting, as a share of its top."""
    u = rng.uniform
    match kind:
        case "exponential" | "rising exponential":
            return _saturation(t, u(4, 30))
        case "fine-tuning":
            return 1 - u(0.05, 0.25) * np.exp(-t / u(2, 10))
        case "power" | "rising power":
            return 1 - (1 + t) ** -u(0.4, 1.2)
        case "multi-exponential":
            return 0.6 * _saturation(t, u(2, 6)) + 0.4 * _saturation(t, u(20, 50))
        case "multi-power":
            return 1 - 0.6 * (1 + t) ** -u(1, 2) - 0.4 * (1 + t) ** -u(0.2, 0.6)
        case "s-curve":
            rise = _logistic(t, u(5, 20), u(2, 5))
            return rise - rise[0]
        case "second step":
            return 0.6 * _saturation(t, 5) + 0.3 * _logistic(t, u(15, 40), 2)
        case "dip":
            return 0.5 + 0.5 * _saturation(t, u(8, 25)) - 0.15 * np.exp(-((t - 1) ** 2) / 2)
        case "asymmetric":
            peak = u(15, 50)
            before, after = 1 - (1 - t / peak) ** 2, 1 - 0.3 * _saturation(t - peak, 150)
            return np.where(t < peak, before, after)
        case "power drift":
            return 1 - (1 + t) ** -u(0.5, 1.2)
        case "hill drift":
            return t / (t + u(5, 20))
        case "falling" | "flat":
            return np.ones_like(t)
    raise ValueError(f"curve kind {kind!r} must be one of {', '.join(KINDS)}")


def _drift(kind: str, t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What overfitting takes away, in accuracy."""
    match kind:
        case "falling":
            return rng.uniform(0.0005, 0.003) * t
        case "power drift" | "hill drift":
            return rng.uniform(0.0001, 0.0008) * t
        case "fine-tuning":
            return rng.uniform(0.03, 0.4) * (t / 200) ** 2
        case "rising exponential" | "rising power" | "flat" | "asymmetric":
            return np.zeros_like(t)
    return rng.uniform(0.02, 0.25) * (t / 200) ** 2
