"""How many images does temperature scaling need? A simulation with a known true temperature.

`python -m benchmarks.calibration` draws networks whose outputs are `temperature` times those of a calibrated network,
fits a temperature on n images, and compares the loss on many other images before and after.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from brainseg.evaluation.calibration import fit_temperature, scaled

SEED, DRAWS, OTHERS = 0, 200, 20_000
COUNTS = (20, 50, 100, 200, 500)
SCALES = (3.0, 6.6)
"""Standard deviations of the logits of a calibrated network; the larger, the more often it is correct."""
TEMPERATURES = (1.5, 3.0)
LEAST_WRONG = 5


def simulate(scale: float, temperature: float, count: int) -> tuple[float, float, float]:
    """Return for fits on `count` images the fraction that raised the loss, and its mean and worst change, in nats."""
    rng = np.random.default_rng(SEED)
    others = rng.normal(0, scale, OTHERS)
    truth = expit(others)  # the loss is averaged over the labels, not drawn
    changes = []
    while len(changes) < DRAWS:
        logits = rng.normal(0, scale, count)
        labels = (rng.random(count) < expit(logits)).astype(int)
        wrong = ((logits > 0) != labels).sum()
        if min(wrong, count - wrong) < min(LEAST_WRONG, count // 10):
            continue
        fitted = fit_temperature(_pair(temperature * logits), labels)
        scores = _pair(temperature * others)
        changes.append(_loss(scaled(scores, fitted), truth) - _loss(scores, truth))
    values = np.array(changes)
    return float((values > 0).mean()), float(values.mean()), float(values.max())


def _pair(logits: np.ndarray) -> np.ndarray:
    probabilities = expit(logits)
    return np.column_stack([1 - probabilities, probabilities])


def _loss(scores: np.ndarray, truth: np.ndarray) -> float:
    logs = np.log(np.maximum(scores, 1e-300))
    return -float((truth * logs[:, 1] + (1 - truth) * logs[:, 0]).mean())


def main() -> None:
    """Print the table."""
    print("| accuracy | true temperature | images | fits that raise the loss | mean change | worst change |")
    print("|---|---|---|---|---|---|")
    for scale in SCALES:
        truth = expit(np.random.default_rng(SEED).normal(0, scale, OTHERS))
        accuracy = np.maximum(truth, 1 - truth).mean()
        for temperature in TEMPERATURES:
            for count in COUNTS:
                raised, mean, worst = simulate(scale, temperature, count)
                print(f"| {accuracy:.2f} | {temperature} | {count} | {raised:.0%} | {mean:+.3f} | {worst:+.3f} |")


if __name__ == "__main__":
    main()
