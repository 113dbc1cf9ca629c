#!/usr/bin/env bash
# remove_parametrizations on a deep copy of a layer breaks the original: it has no weight any more.
#
# Seen with torch 2.14.1. A layer with a spectral norm, as in the self-attention of a U-Net, cannot be folded or exported as
# plain numbers while the norm is a parametrization. The natural way is to copy the network and remove the
# parametrizations from the copy. But a parametrization gives the layer a class of its own, copy.deepcopy keeps that class,
# and removing deletes the property `weight` from the class: the network that is in use raises AttributeError from then on,
# in every thread that shares it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 # about 6 GB
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import copy

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

layer = spectral_norm(nn.Linear(3, 3)).eval()
image = torch.zeros(1, 3)
layer(image)
plain = copy.deepcopy(layer)
parametrize.remove_parametrizations(plain, "weight")
plain(image)
print("the copy answers")
try:
    layer(image)
    broken = False
except AttributeError as error:
    broken = True
    print(f"the original raises: {error}")
assert broken, "a copy is independent now"
PYTHON
