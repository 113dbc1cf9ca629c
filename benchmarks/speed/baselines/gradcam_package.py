"""A class and its heatmap with the grad-cam package on torch, as in its README."""

from __future__ import annotations

import time

import numpy as np
import torch
import torchvision
from PIL import Image
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import show_cam_on_image
from torch import nn
from torchvision import transforms

from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock

MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Diagnosis:
    """A torchvision ResNet with two classes, and Grad-CAM on its last stage."""

    def __init__(self, arch: str, size: int) -> None:
        model: nn.Module = getattr(torchvision.models, arch)(num_classes=2).eval()
        self.cam = GradCAM(model=model, target_layers=[model.layer4[-1]])
        self.prepare = transforms.Compose(
            [transforms.Resize((size, size)), transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)]
        )
        self.size = size

    def __call__(self, image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities and the image with its heatmap on it."""
        heatmap = self.cam(input_tensor=self.prepare(image)[None], targets=None)[0]  # the highest class
        probabilities = torch.softmax(self.cam.outputs, dim=1)[0].detach().numpy()
        pixels = np.asarray(image.resize((self.size, self.size)), np.float32) / 255
        return probabilities, show_cam_on_image(pixels, heatmap, use_rgb=True)


def side(turns: Turns, files: list[str], arch: str, size: int) -> None:
    """Diagnose a few images a turn; reading the files does not count."""
    images = [Image.open(file).convert("RGB") for file in files]
    diagnose = Diagnosis(arch, size)
    for _ in turns:
        each = []
        with clock() as timing:
            for image in images:
                started = time.perf_counter()
                diagnose(image)
                each.append(time.perf_counter() - started)
        turns.report(timing, each=each)
