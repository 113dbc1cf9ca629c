#!/usr/bin/env bash
# ROAD of the grad-cam package removes the whole image, whatever the percentile, if most of the heatmap is exactly zero.
#
# Seen with grad-cam 1.5.7 and torch 2.14.1: `ROADMostRelevantFirst(percentile=80)` is meant to remove the top fifth. It
# removes what is not below `np.percentile(map, 80)`. Class activation maps pass a ReLU, so small objects leave most of a
# map at exactly 0: the percentile is 0 as well, no pixel lies below it, and all of them are removed. The score is then of
# noise, and the same for every percentile up to the fraction of zeros, without a warning. Ranks with random order among
# equal pixels avoid it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet grad-cam==1.5.7 torch==2.14.1 torchvision==0.29.1 # about 6 GB
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import torch
from pytorch_grad_cam.metrics.perturbation_confidence import RemoveMostRelevantFirst

kept = []


def look(image, mask):
    kept.append(float(mask.float().mean()))
    return image


SIDE = 20
image = torch.zeros(3, SIDE, SIDE)
dense = np.arange(SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE) + 1
sparse = np.zeros((SIDE, SIDE), np.float32)
sparse[:4, :5] = 1  # a twentieth of the image
for name, heatmap in (("no zeros", dense), ("95 % zeros", sparse)):
    kept.clear()
    for percentile in (50, 80, 90):
        RemoveMostRelevantFirst(percentile, look)(image, torch.from_numpy(heatmap))
    print(f"{name}: fraction of pixels kept at percentile 50, 80 and 90: {kept}")
    expected = [0.5, 0.8, 0.9] if heatmap is dense else [0.0, 0.0, 0.0]
    assert np.allclose(kept, expected, atol=0.01), kept
PYTHON
