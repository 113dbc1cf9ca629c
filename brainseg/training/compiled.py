"""torch.compile for training steps: one pass over memory for operations that otherwise take one each."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable

import torch
from torch import nn

from brainseg.errors import ConfigError


class CompiledTraining(nn.Module):
    """A network whose training steps are compiled; in evaluation it runs as it is. Both share their parameters.

    Args:
        network: The network; it is not changed.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._compiled: list[Callable[[torch.Tensor], torch.Tensor]] = []  # a child would list its parameters twice

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the network's answer for (N, 3, H, W) images."""
        if not self.training:
            answer: torch.Tensor = self.network(images)
            return answer
        if not self._compiled:
            self._compiled.append(torch.compile(self.network))
        return self._compiled[0](images)


def require_compiler() -> None:
    """Check that torch.compile can work.

    Raises:
        ConfigError: There is no C++ compiler.
    """
    usual = {"win32": "cl", "darwin": "clang++"}.get(sys.platform, "g++")
    compiler = os.environ.get("CXX", usual)
    if shutil.which(compiler) is None:
        raise ConfigError(
            f"compute.compile: torch.compile needs a C++ compiler, and {compiler!r} is not installed: install it, name "
            "another in the environment variable CXX, or set compute.compile to false."
        )
