#!/usr/bin/env bash
# Importing torchvision loads all of torch's compiler, although nothing is compiled: two fifths of the import's time.
#
# Seen with torch 2.14.1 and torchvision 0.29.1: torchvision.ops.roi_align wraps its function so that torch.compile is only
# prepared at the first call, "to avoid eagerly importing dynamo", yet its own first lines import a helper from
# torch._dynamo.utils. Every `import torchvision`, even for a ResNet alone, loads several hundred modules of torch._dynamo
# and sympy. A training that starts in its own process pays about a second of processor time for it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 # about 6 GB
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys


def loaded(package):
    return sum(name == package or name.startswith(f"{package}.") for name in sys.modules)


import torch  # noqa: E402, F401

before = {package: loaded(package) for package in ("torch._dynamo", "sympy")}
import torchvision.models.resnet  # noqa: E402, F401

after = {package: loaded(package) for package in before}
for package, count in before.items():
    print(f"{package}: {count} modules after torch, {after[package]} after torchvision.models.resnet")
assert before == {"torch._dynamo": 0, "sympy": 0}, "torch itself loads the compiler now"
assert after["torch._dynamo"] > 50 and after["sympy"] > 100, "torchvision no longer loads the compiler"
PYTHON
