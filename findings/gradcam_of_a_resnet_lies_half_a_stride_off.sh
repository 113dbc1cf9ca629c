#!/usr/bin/env bash
# The grad-cam package draws the map of a ResNet's layer up to 15.5 pixels too low and too far right.
#
# Seen with grad-cam 1.5.7, torch 2.14.1 and torchvision 0.29.1: place i of a torchvision ResNet's layer looks at pixel
# i x stride of the image (the gradient's centre of mass says so), since each strided convolution begins at the first
# pixel. `scale_cam_image` enlarges the map with cv2.resize, which puts the same place into the middle of stride pixels:
# (stride - 1) / 2 later, that is 1.5, 3.5, 7.5 and 15.5 pixels for layer1 to layer4. On a small tumour in a 96-pixel image
# that is enough for the hottest point to miss it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet grad-cam==1.5.7 torch==2.14.1 torchvision==0.29.1 # about 6 GB
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from torchvision.models import resnet18

SIZE = 512
torch.manual_seed(0)
network = resnet18().eval()
for layer, stride in (("layer1", 4), ("layer2", 8), ("layer3", 16), ("layer4", 32)):
    kept = {}
    handle = getattr(network, layer).register_forward_hook(lambda module, given, made: kept.update(map=made))
    image = torch.rand(1, 3, SIZE, SIZE).requires_grad_()
    network(image)
    handle.remove()
    place = SIZE // stride // 2
    (gradient,) = torch.autograd.grad(kept["map"][0, :, place, place].square().sum(), image)
    weight = gradient[0].square().sum(0).double()
    looked = float((weight.sum(1) * torch.arange(SIZE)).sum() / weight.sum())
    hot = np.zeros((1, SIZE // stride, SIZE // stride), np.float32)
    hot[0, place, place] = 1
    drawn = scale_cam_image(hot, (SIZE, SIZE))[0]
    centre = float((drawn.sum(1) * np.arange(SIZE)).sum() / drawn.sum())
    print(f"{layer}: looks at {looked:.1f}, drawn at {centre:.1f}, off by {centre - looked:.1f} pixels")
    assert abs(centre - looked - (stride - 1) / 2) < max(1.0, stride / 8), "the offset has changed"
PYTHON
