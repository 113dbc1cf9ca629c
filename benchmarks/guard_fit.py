"""Fits the network that tells brain MRI from other pictures, `brainseg/diagnosis/head_network.safetensors`.

    python -m benchmarks.guard_fit PICTURES [PICTURES ...] [--data ../shared/data] [--epochs 7] [--seed 0]

PICTURES are folders of pictures that are no brain MRI. `docs/results.md` says which ones were used.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.guard_counterfeits import LETTERS, counterfeit, pattern
from benchmarks.guard_sources import LARGEST, fitted_slices, pictures
from brainseg.diagnosis.facts import reduced
from brainseg.diagnosis.head_network import WEIGHTS, HeadNetwork, head_view

CROPS = 11
"""Altered parts of each opaque picture."""
PATTERNS, COUNTERFEITS = 3000, 8000
BATCH = 128
RATE = 6e-3
SMOOTHING = 0.01


def views(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Return what the network sees of slices and of other pictures, two arrays (N, `SIDE`, `SIDE`) uint8."""
    rng = np.random.default_rng(options.seed)

    def view(pixels: np.ndarray) -> np.ndarray:
        return head_view(reduced(pixels))

    slices, shown, others, photographs = [], [], [], []
    for versions, pixels in fitted_slices(options.data, options.seed):
        slices.append(pixels)
        shown += [view(pixels), *(view(altered(pixels, rng)) for _ in range(versions))]
    for opaque, pixels in pictures(options.pictures):
        others.append(view(pixels))
        if opaque:
            photographs.append(pixels)
        for _ in range(CROPS if opaque else 1):
            others.append(view(altered(_cropped(pixels, rng) if opaque else pixels, rng)))
    others += [view(pattern(rng)) for _ in range(PATTERNS)]
    others += [view(counterfeit(rng, slices, photographs)) for _ in range(COUNTERFEITS)]
    return np.stack(shown), np.stack(others)


def _cropped(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = pixels.shape[:2]
    side = int(rng.uniform(0.25, 1) * min(height, width))
    top, left = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    return pixels[top : top + side, left : left + side]


def altered(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return another version of an image: turned, cropped, reduced, with other levels, as a JPEG, with text."""
    scale = min(1.0, LARGEST / 2 / max(pixels.shape[:2]))
    pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    values = _levels(_moved(pixels, rng).astype(np.float32) / 255, rng)
    pixels = np.ascontiguousarray(np.clip(values * 255, 0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))]
        pixels = cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_COLOR)
    if rng.random() < 0.15:
        place, text = (2, int(rng.integers(10, max(pixels.shape[0], 11)))), "".join(rng.choice(LETTERS, 8))
        cv2.putText(pixels, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.35, (230, 230, 230), 1)
    return pixels


def _moved(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.35:
        pixels = np.ascontiguousarray(np.rot90(pixels, int(rng.integers(1, 4))))
    if rng.random() < 0.5:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    height, width = pixels.shape[:2]
    if rng.random() < 0.6:
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-20, 20), rng.uniform(0.85, 1.1))
        turn[:, 2] += rng.uniform(-0.06, 0.06, 2) * (width, height)
        pixels = cv2.warpAffine(pixels, turn, (width, height))
    if rng.random() < 0.3:
        top, bottom, left, right = (rng.uniform(0, 0.1, 4) * (height, height, width, width)).astype(int)
        pixels = pixels[top : height - bottom, left : width - right]
    if rng.random() < 0.3:
        scale = max(rng.uniform(0.3, 0.8), 16 / min(pixels.shape[:2]))
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return pixels


def _levels(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.6:
        values = values ** rng.uniform(0.6, 1.7)
    if rng.random() < 0.3:
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < 0.3:
        values = values + rng.normal(0, rng.uniform(0.01, 0.05), values.shape[:2])[..., None]
    if rng.random() < 0.2:
        values = (values * rng.uniform(1, 1.4)).clip(0, 1)
    if rng.random() < 0.15:
        values = values + rng.uniform(0.02, 0.12) * (1 - values)
    return values


def batches(count: int) -> Iterator[torch.Tensor]:
    """Yield the row numbers of one epoch's batches."""
    order = torch.randperm(count)
    yield from (order[start : start + BATCH] for start in range(0, count - BATCH + 1, BATCH))


def fit(shown: np.ndarray, others: np.ndarray, epochs: int, seed: int) -> HeadNetwork:
    """Return the network, fitted to views of slices and of other pictures."""
    torch.manual_seed(seed)
    network = HeadNetwork().to(memory_format=torch.channels_last)
    inputs = torch.from_numpy(np.concatenate([shown, others]))
    wanted = torch.cat([torch.ones(len(shown)), torch.zeros(len(others))]).clamp(SMOOTHING, 1 - SMOOTHING)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    steps = epochs * (len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
    for epoch in range(epochs):
        total = 0.0
        for rows in batches(len(inputs)):
            batch = (inputs[rows].float()[:, None] / 255).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(batch.flip(3) if torch.rand(1) < 0.5 else batch)[:, 0]
            loss = binary_cross_entropy_with_logits(logits.float(), wanted[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        print(f"epoch {epoch + 1} of {epochs}: loss {total / (len(inputs) // BATCH):.4f}", flush=True)
        save(network)
    return network.eval()


def save(network: HeadNetwork) -> None:
    """Write the weights beside the code that uses them."""
    state = {name: values.contiguous() for name, values in network.state_dict().items()}
    save_file({name: values for name, values in state.items() if "num_batches" not in name}, WEIGHTS)


def main() -> None:
    """Fit the network and store its weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shown, others = views(options)
    print(f"{len(shown)} views of slices, {len(others)} of other pictures", flush=True)
    fit(shown, others, options.epochs, options.seed)


if __name__ == "__main__":
    main()
