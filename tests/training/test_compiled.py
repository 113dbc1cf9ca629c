from __future__ import annotations

import pytest
import torch

from brainseg.errors import ConfigError
from brainseg.models.architectures import build_classifier
from brainseg.tasks import task_of
from brainseg.training.compiled import CompiledTraining
from brainseg.training.setup import open_run


def test_without_a_compiler_a_sentence_says_what_to_do(home, config, recorder, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ConfigError, match=r"'no-such-compiler' is not installed: install it, .* compute.compile to f"):
        open_run(task_of(config({"compute.compile": True})), recorder(), tmp_path)
    open_run(task_of(config({"compute.compile": True, "model.head": "logistic"})), recorder(), tmp_path)  # not trained


def test_the_network_and_its_parameters_stay_the_same() -> None:
    network = build_classifier("resnet18", classes=2, stages=(1,))
    wrapped = CompiledTraining(network)
    assert [id(each) for each in wrapped.parameters()] == [id(each) for each in network.parameters()]
    images = torch.zeros(2, 3, 32, 32)
    network.eval()
    assert wrapped.eval()(images).equal(network(images))
