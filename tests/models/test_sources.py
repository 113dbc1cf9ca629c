"""Where ImageNet weights are and whether they can be downloaded, without torch."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch
import torchvision

from brainseg.models import sources
from brainseg.models.sources import FILES, IMAGENET, SOURCE, imagenet_cached, imagenet_reachable, torch_cache


@pytest.mark.parametrize("spec", list(IMAGENET))
def test_files_are_those_of_torchvision(spec: str) -> None:
    for arch, file in FILES[spec].items():
        assert torchvision.models.get_model_weights(arch)[IMAGENET[spec]].url == SOURCE + file


def test_the_cache_is_torchs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
        assert torch_cache() == Path(torch.hub.get_dir()) / "checkpoints"
    assert not imagenet_cached("resnet18")
    torch_cache().mkdir(parents=True)
    (torch_cache() / FILES["imagenet"]["resnet18"]).touch()
    assert imagenet_cached("resnet18")
    assert not imagenet_cached("resnet34")


@pytest.mark.parametrize("listens", [True, False])
def test_a_server_that_is_silent_or_not_there_is_not_reachable(listens: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen()
        monkeypatch.setattr(sources, "SOURCE", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        assert not imagenet_reachable("resnet18", timeout=0.3)
