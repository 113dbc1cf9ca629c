"""Losses of both tasks. Losses of masks are computed from sums over pixels, which can be added up over batches.

They are hand-written, since no library's Dice loss can be computed from sums over several batches.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

FOCUS = 2.0
"""Gamma of the focal loss, as its authors recommend."""
SMOOTH = 1.0
"""Pixels added to numerator and denominator of the Dice, so a class that is missing in a batch costs little."""


class CrossEntropy(nn.CrossEntropyLoss):
    """Cross-entropy of whole images, in nats."""

    y_int = True  # lets fastai's mixup know that labels are class numbers, which it cannot mix


class PixelLoss(nn.Module):
    """Base class of the losses of masks: `forward` is `value(sums(logits, targets))`."""

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch.

        Args:
            logits: (N, classes, H, W) float.
            targets: (N, H, W) int64 class numbers; 0 is the background.

        Returns:
            A differentiable scalar.
        """
        return self.value(self.sums(logits, targets))

    def sums(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return (k,) sums over the pixels of a batch; the sums of several batches may be added."""
        raise NotImplementedError

    def value(self, sums: torch.Tensor) -> torch.Tensor:
        """Return the loss for the sums, a scalar."""
        raise NotImplementedError


class FocalLoss(PixelLoss):
    """Mean over pixels of -(1 - p)^gamma log p, where p is the probability of the true class.

    Lin et al. 2017, "Focal Loss for Dense Object Detection", eq. 4, without class weights. A gamma of 0 is
    cross-entropy.
    """

    def __init__(self, gamma: float = FOCUS) -> None:
        super().__init__()
        self.gamma = gamma

    def sums(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the summed loss and the number of pixels."""
        losses = functional.cross_entropy(logits, targets, reduction="none")
        if self.gamma:
            losses = (1 - torch.exp(-losses)) ** self.gamma * losses
        return torch.stack([losses.sum(), losses.new_tensor(losses.numel())])

    def value(self, sums: torch.Tensor) -> torch.Tensor:
        """Return the mean."""
        return sums[0] / sums[1]


class DiceLoss(PixelLoss):
    """1 - 2 |P T| / (|P| + |T|), pooled over the batch and averaged over all classes except the background.

    P are probabilities; T is 1 where the class is and 0 elsewhere. Milletari et al. 2016, "V-Net", with plain instead
    of squared sums in the denominator (Drozdzal et al. 2016). Pooled over the batch, like nnU-Net in 2D (Isensee et al.
    2021), since most slices contain no tumour, and their Dice would be undefined.
    """

    def sums(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return |P T| of each class except the background, then |P| + |T| of each."""
        probabilities = torch.softmax(logits, dim=1)[:, 1:]
        truth = torch.stack([targets == number for number in range(1, logits.shape[1])], dim=1)
        common = (probabilities * truth).sum((0, 2, 3))
        return torch.cat([common, probabilities.sum((0, 2, 3)) + truth.sum((0, 2, 3))])

    def value(self, sums: torch.Tensor) -> torch.Tensor:
        """Return one minus the mean Dice."""
        common, both = sums.chunk(2)
        return 1 - ((2 * common + SMOOTH) / (both + SMOOTH)).mean()


class SumLoss(PixelLoss):
    """Cross-entropy plus Dice: cross-entropy has useful gradients early, and Dice gives rare classes enough weight.

    Isensee et al. 2021, "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation".
    """

    def __init__(self) -> None:
        super().__init__()
        self.cross_entropy, self.dice = FocalLoss(gamma=0), DiceLoss()

    def sums(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the sums of both."""
        return torch.cat([self.cross_entropy.sums(logits, targets), self.dice.sums(logits, targets)])

    def value(self, sums: torch.Tensor) -> torch.Tensor:
        """Return the sum of both values."""
        return self.cross_entropy.value(sums[:2]) + self.dice.value(sums[2:])


def pixel_loss(name: str) -> PixelLoss:
    """Return the loss for a value of the setting `training.loss`."""
    if name == "cross-entropy":
        return FocalLoss(gamma=0)
    if name == "focal":
        return FocalLoss()
    return DiceLoss() if name == "dice" else SumLoss()
