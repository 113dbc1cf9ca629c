"""A classifier split after one of its residual stages, to get the feature map between the two parts."""

from __future__ import annotations

import copy

import torch
from torch import nn

from brainseg.models.architectures import Classifier


class SplitClassifier(nn.Module):
    """A view of a classifier, split after a residual stage; it shares the classifier's layers and does not change them.

    Only `split_point` belongs to the view. Hooks go there, so any number of threads may each have a view of one shared
    model.

    Args:
        model: In evaluation mode, with parameters that need no gradients.
        stage: The residual stage (1 to the model's last) after which to split; the last by default.
    """

    def __init__(self, model: Classifier, stage: int | None = None) -> None:
        super().__init__()
        last = model.body.stages[-1]
        self.stage = last if stage is None else stage
        self.model = model
        self.split_point = SplitPoint()
        # The shallow copy shares the layers but returns the maps of other stages.
        self.front = copy.copy(model.body)
        self.front.stages = (*(seen for seen in model.body.stages if seen < self.stage), self.stage)

    def before(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the maps up to the split.

        Args:
            images: (N, 3, S, S) float, normalised.

        Returns:
            (N, C, h, w) maps of the earlier stages that the head uses, followed by the map of the stage itself.
        """
        maps: list[torch.Tensor] = self.front(images)
        return maps

    def after(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Return (N, classes) logits from what `before` returned."""
        return self.after_with_deepest(maps)[0]

    def after_with_deepest(self, maps: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (N, classes) logits from what `before` returned, and the map of the model's last stage."""
        body, values = self.model.body, maps[-1]
        seen = maps if self.stage in body.stages else maps[:-1]
        for stage in range(self.stage + 1, body.stages[-1] + 1):
            values = getattr(body, f"layer{stage}")(values)
            seen = [*seen, values] if stage in body.stages else seen
        return self.model.head(seen), values

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (N, classes) logits for (N, 3, S, S) normalised images, passing through `split_point`."""
        *earlier, values = self.before(images)
        return self.after([*earlier, self.split_point(values)])


class SplitPoint(nn.Module):
    """The layer between the two parts of a `SplitClassifier`, where differentiation stops."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the same values as a new leaf that requires gradients."""
        return values.detach().requires_grad_()
