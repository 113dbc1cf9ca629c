#!/usr/bin/env bash
# Building a network on the meta device, which is done to save time, loads torch's compiler if it draws normal weights.
#
# Seen with torch 2.14.1: `normal_` on a meta tensor, which has no memory to fill, runs a Python decomposition whose
# decorator imports torch._dynamo, 95 modules of it at least. `uniform_` does not, so torch's own layers are harmless;
# ResNets, which draw by kaiming_normal_, are not. In a process that only wants to read weights into an empty network,
# this was half of the time of loading it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 numpy==2.4.6 # about 6 GB
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch


def loaded():
    return sum(name == "torch._dynamo" or name.startswith("torch._dynamo.") for name in sys.modules)


counts = {"import torch": loaded()}
with torch.device("meta"):
    layer = torch.nn.Conv2d(3, 64, 7)
counts["a convolution on meta, drawn uniformly"] = loaded()
torch.nn.init.kaiming_normal_(layer.weight)
counts["the same, drawn normally"] = loaded()
for step, count in counts.items():
    print(f"{step}: {count} modules of torch._dynamo")
assert layer.weight.is_meta
assert list(counts.values())[:2] == [0, 0], "the compiler is loaded earlier now"
assert list(counts.values())[2] > 50, "normal_ on meta no longer loads the compiler"
PYTHON
