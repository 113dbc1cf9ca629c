from __future__ import annotations

import io
import json
import os
import pickle
import pickletools
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

import brainseg.models.bundle as bundle_module
from brainseg import DISCLAIMER
from brainseg.config import PreparationConfig
from brainseg.errors import BundleError
from brainseg.files import sha256_file
from brainseg.models.bundle import DESCRIPTION, load_bundle, read_description, save_bundle
from brainseg.models.description import FORMAT, SINCE_FORMAT_2
from brainseg.models.sources import WEIGHTS
from brainseg.preparation import VERSION as PREPARATION_VERSION
from tests.bundles import edit
from tests.models.conftest import Trap, make_classifier, one_sentence, store


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, classifier) -> Path:
    """A complete bundle with a small linear head on a short body, so copies are small."""
    folder = tmp_path_factory.mktemp("original") / "bundle"
    return store(folder, classifier("resnet18", "logistic", (1, 2)), head="logistic")


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    """A copy of the complete bundle, to be damaged."""
    return shutil.copytree(original, tmp_path / "bundle")


def replace_weights(folder: Path, write: Callable[[Path], object]) -> None:
    """Put other weights into a bundle, and update its description to match."""
    write(folder / WEIGHTS)
    edit(folder, lambda values: values.update(weights_sha256=sha256_file(folder / WEIGHTS)))


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    return one_sentence(caught.value)


# ----------------------------------------------------------------------------------------------------------- round trip


@pytest.mark.parametrize(
    ("arch", "head", "stages"),
    [
        ("resnet18", "concat-pool", (4,)),
        ("resnet18", "concat-pool", (2, 4)),
        ("resnet18", "local", (2, 3)),
        ("resnet34", "logistic", (2, 3)),
        ("resnet50", "svm", (3,)),
    ],
)
def test_round_trip_gives_equal_logits(arch, head, stages, classifier, images, tmp_path):
    model = classifier(arch, head, stages)
    loaded = load_bundle(store(tmp_path / "bundle", model, arch=arch, head=head))
    with torch.no_grad():
        assert torch.equal(loaded.model(images), model(images))
    assert not loaded.model.training
    assert loaded.description.stages == stages


def test_description_says_what_it_was_given_and_where_it_was_made(classifier, tmp_path):
    preparation = PreparationConfig(size=64, contrast="clahe", crop=False)
    folder = store(tmp_path, classifier(), ("Kein Tumor", "glióma ☂"), preparation=preparation, data={"images": 12})
    description = read_description(folder)
    assert description == load_bundle(folder).description
    assert description.classes == ("Kein Tumor", "glióma ☂")
    assert description.positive == "glióma ☂"
    assert description.preparation == preparation
    assert description.preparation_version == PREPARATION_VERSION
    assert description.data == {"images": 12}
    assert description.disclaimer == DISCLAIMER
    assert description.libraries["torch"].startswith(torch.__version__.split("+")[0])


def test_a_library_that_is_installed_under_another_name_loses_no_model(classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_module, "LIBRARIES", ("torch", "opencv-of-another-name"))
    store(tmp_path, classifier("resnet18", "logistic", (1, 2)), head="logistic")
    assert load_bundle(tmp_path).description.libraries["opencv-of-another-name"] == "unknown"


def test_memory_layout_of_the_model_does_not_matter(classifier, images, tmp_path):
    model = classifier()
    plain = load_bundle(store(tmp_path / "plain", model))
    layout = load_bundle(store(tmp_path / "layout", plain.model.to(memory_format=torch.channels_last)))
    with torch.no_grad():
        assert torch.equal(layout.model(images), model(images))


def test_a_bundle_is_two_files_and_neither_is_a_pickle(original):
    assert {file.name for file in original.iterdir()} == {DESCRIPTION, WEIGHTS}
    for file in original.iterdir():
        assert not zipfile.is_zipfile(file)
        with pytest.raises(ValueError, match=r"opcode|pickle exhausted"):
            list(pickletools.genops(file.read_bytes()))
    json.loads((original / DESCRIPTION).read_text("utf-8"))
    content = (original / WEIGHTS).read_bytes()
    json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])


def test_a_broken_save_leaves_no_bundle_that_loads(bundle):
    """The weights are new, but the description still has the hash of the old ones."""
    with pytest.raises(ValidationError):
        save_bundle(bundle, make_classifier("resnet18", "logistic", (1, 2), seed=1), name="facts are missing")
    assert WEIGHTS in refusal(bundle)
    assert {file.name for file in bundle.iterdir()} == {DESCRIPTION, WEIGHTS}


# --------------------------------------------------------------------------------------------------------------- digest


def test_digest_names_this_very_model(original, bundle):
    loaded = load_bundle(original)
    assert load_bundle(bundle).digest == loaded.digest
    assert len(loaded.digest) == 64
    assert loaded.version == loaded.digest[:12]


def test_digest_changes_with_the_description(original, bundle):
    edit(bundle, lambda values: values.update(classes=values["classes"][::-1]))
    assert load_bundle(bundle).digest != load_bundle(original).digest


def test_digest_changes_with_the_weights(original, bundle):
    tensors = load_file(bundle / WEIGHTS)
    tensors["head.1.bias"] += 1e-3
    replace_weights(bundle, lambda file: save_file(tensors, file))
    assert load_bundle(bundle).digest != load_bundle(original).digest


# ------------------------------------------------------------------------------------------------------------- changed


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.update(classes=values["classes"][::-1]),
        lambda values: values.update(positive="no"),
        lambda values: values["preparation"].update(crop=False),
        lambda values: values.update(name="another name"),
        lambda values: values.pop("content_sha256"),
        lambda values: values.update(content_sha256="0" * 64),
    ],
)
def test_an_edited_description_is_refused(change, bundle):
    edit(bundle, change, sealed=False)
    sentence = refusal(bundle)
    assert str(bundle / DESCRIPTION) in sentence
    assert "was changed" in sentence


def test_layout_and_order_of_the_description_do_not_matter(bundle):
    values = json.loads((bundle / DESCRIPTION).read_text("utf-8"))
    (bundle / DESCRIPTION).write_text(json.dumps(dict(sorted(values.items(), reverse=True))), encoding="utf-8")
    assert load_bundle(bundle).description.name == "a run"


def as_first_format(values: dict[str, Any]) -> None:
    for name in SINCE_FORMAT_2:
        values.pop(name, None)
    values.update(format=1, preparation_version=1, data={"fingerprint": "f" * 64, "images": 253})


def test_a_bundle_of_the_first_format_has_no_checksum_and_loads(bundle):
    edit(bundle, as_first_format, sealed=False)
    assert load_bundle(bundle).description.format == 1


@pytest.mark.parametrize(
    "left",
    [
        {"content_sha256": None},
        {"content_sha256": "0" * 64},
        {"guard": None},
        {"heatmap_method": "grad-cam"},
        {"heatmap_stage": None},
        {"preparation_version": 2},
        {"data": {"fingerprint": "f" * 64, "images": 253, "synthetic": True}},
    ],
)
def test_a_newer_bundle_does_not_pass_for_one_of_the_first_format(left, bundle):
    edit(bundle, lambda values: [as_first_format(values), values.update(left)], sealed=False)
    assert "was changed" in refusal(bundle)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused_on_both_ways(value, bundle, tmp_path):
    tensors = load_file(bundle / WEIGHTS)
    tensors["head.1.bias"][0] = value
    replace_weights(bundle, lambda file: save_file(tensors, file))
    assert "contains values that are not numbers (head.1.bias): train the model again" in refusal(bundle)
    model = make_classifier("resnet18", "logistic", (1, 2))
    model.head[1].bias.data[0] = value
    with pytest.raises(BundleError, match="not numbers") as caught:
        store(tmp_path / "broken", model, head="logistic")
    one_sentence(caught.value)
    assert not (tmp_path / "broken").exists()


# ----------------------------------------------------------------------------------------------------- weights tampered


@pytest.mark.parametrize("place", [0, 9, 0.5, -1])
def test_one_changed_byte_of_the_weights_is_noticed(place, bundle):
    content = bytearray((bundle / WEIGHTS).read_bytes())
    content[int(place * len(content)) if isinstance(place, float) else place] ^= 1
    (bundle / WEIGHTS).write_bytes(content)
    assert str(bundle / WEIGHTS) in refusal(bundle)


@pytest.mark.parametrize("change", [lambda content: content + b"\0", lambda content: content[:-1], lambda content: b""])
def test_weights_of_another_length_are_noticed(change, bundle):
    (bundle / WEIGHTS).write_bytes(change((bundle / WEIGHTS).read_bytes()))
    assert str(bundle / WEIGHTS) in refusal(bundle)


def make_link(file: Path, elsewhere: Path) -> None:
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def make_folder(file: Path, elsewhere: Path) -> None:
    file.rename(elsewhere)
    file.mkdir()


def make_pipe(file: Path, elsewhere: Path) -> None:
    """Reading it would never end."""
    file.rename(elsewhere)
    os.mkfifo(file)


def make_missing(file: Path, elsewhere: Path) -> None:
    file.rename(elsewhere)


@pytest.mark.parametrize("make", [make_link, make_folder, make_pipe, make_missing])
@pytest.mark.parametrize("name", [DESCRIPTION, WEIGHTS])
def test_only_files_of_the_folder_itself_are_read(name, make, bundle, tmp_path):
    make(bundle / name, tmp_path / "elsewhere")
    sentence = refusal(bundle)
    assert str(bundle) in sentence
    assert name in sentence


@pytest.mark.parametrize("folder", [".", "nowhere"])
def test_a_folder_without_a_bundle_is_named(folder, tmp_path):
    assert str(tmp_path / folder) in refusal(tmp_path / folder)


def test_a_pickle_in_place_of_the_weights_is_refused_and_does_not_run(bundle, tmp_path):
    marker = tmp_path / "marker"
    archive = io.BytesIO()
    torch.save(Trap(marker), archive)
    for content in (archive.getvalue(), pickle.dumps(Trap(marker))):
        replace_weights(bundle, lambda file, content=content: file.write_bytes(content))
        assert str(bundle / WEIGHTS) in refusal(bundle)
    assert not marker.exists()


def without_a_tensor(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["body.bn1.running_var"]


def with_one_more(tensors: dict[str, torch.Tensor]) -> None:
    tensors["body.layer9.weight"] = torch.ones(3)


def with_another_shape(tensors: dict[str, torch.Tensor]) -> None:
    tensors["body.conv1.weight"] = torch.ones(64, 1, 7, 7)


@pytest.mark.parametrize("change", [without_a_tensor, with_one_more, with_another_shape])
def test_weights_that_do_not_fit_the_architecture_are_refused(change, bundle):
    tensors = load_file(bundle / WEIGHTS)
    change(tensors)
    replace_weights(bundle, lambda file: save_file(tensors, file))
    assert "resnet18" in refusal(bundle)


# ------------------------------------------------------------------------------------------------- description tampered

CHANGES: dict[str, dict[str, Any]] = {
    "arch": {"arch": "resnet9000"},
    "arch as a path": {"arch": "../../resnet18"},
    "arch of another library": {"arch": "vgg11"},
    "head": {"head": "mlp"},
    "no stages": {"stages": []},
    "stage 0": {"stages": [0]},
    "stage 9": {"stages": [9]},
    "stages descending": {"stages": [2, 1]},
    "stage twice": {"stages": [2, 2]},
    "stages as text": {"stages": "12"},
    "dropout": {"dropout": 1.0},
    "dropout no number": {"dropout": float("nan")},
    "no classes": {"classes": []},
    "one class": {"classes": ["no"]},
    "class twice": {"classes": ["no", "no"]},
    "classes as numbers": {"classes": [1, 2]},
    "positive": {"positive": "maybe"},
    "heatmap by magic": {"heatmap_method": "magic"},
    "heatmap of no stage": {"heatmap_stage": 0},
    "task": {"task": "paint"},
    "head of the other task": {"head": "u-net"},
    "self-attention": {"self_attention": "much"},
    "bottleneck": {"bottleneck": "narrow"},
    "modalities": {"modalities": ["T1", "T1ce", "T2", "FLAIR"]},
    "format": {"format": FORMAT + 1},
    "data": {"data": "x"},
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_value_that_is_not_allowed_is_refused_by_its_field(case, bundle):
    edit(bundle, lambda values: values.update(CHANGES[case]))
    (field,) = CHANGES[case]
    sentence = refusal(bundle)
    assert str(bundle / DESCRIPTION) in sentence
    assert f"(field {field}" in sentence


def test_a_heatmap_of_a_stage_that_the_network_lacks_is_refused(bundle):
    edit(bundle, lambda values: values.update(stages=[2], heatmap_stage=3))
    assert "(field heatmap_stage" in refusal(bundle)


@pytest.mark.parametrize("path", ["../../model.safetensors", "/etc/passwd", WEIGHTS])
@pytest.mark.parametrize("field", ["weights", "weights_file", "path", "__class__"])
def test_an_unknown_field_is_refused_by_name(field, path, bundle):
    edit(bundle, lambda values: values.update({field: path}))
    assert f"(field {field})" in refusal(bundle)


@pytest.mark.parametrize(
    ("setting", "value"), [("size", 63), ("size", 10**6), ("contrast", "magic"), ("script", "x.py")]
)
def test_preparation_settings_are_checked_too(setting, value, bundle):
    edit(bundle, lambda values: values["preparation"].update({setting: value}))
    assert f"(field preparation.{setting})" in refusal(bundle)


@pytest.mark.parametrize("field", ["name", "arch", "classes", "preparation", "preparation_version", "weights_sha256"])
def test_a_missing_field_is_named(field, bundle):
    edit(bundle, lambda values: values.pop(field))
    assert f"(field {field})" in refusal(bundle)


def test_a_bundle_of_the_first_preparation_loads(bundle):
    edit(bundle, lambda values: values.update(preparation_version=1))
    assert load_bundle(bundle).description.preparation_version == 1


@pytest.mark.parametrize("version", [0, PREPARATION_VERSION + 1])
def test_another_preparation_version_is_refused_with_both_numbers(version, bundle):
    edit(bundle, lambda values: values.update(preparation_version=version))
    sentence = refusal(bundle)
    assert "a run " in sentence
    assert str(version) in sentence
    assert str(PREPARATION_VERSION) in sentence


@pytest.mark.parametrize(
    "change",
    [
        {"classes": ["a", "b", "c"], "positive": None},
        {"arch": "resnet34"},
        {"head": "concat-pool"},
        {"stages": [2]},
        {"stages": [1, 2, 3]},
    ],
)
def test_a_description_of_another_model_is_refused(change, bundle):
    edit(bundle, lambda values: values.update(change))
    sentence = refusal(bundle)
    assert str(bundle / WEIGHTS) in sentence
    assert change.get("arch", "resnet18") in sentence


def test_fewer_classes_than_the_head_has_are_refused(tmp_path):
    folder = store(tmp_path / "b", make_classifier("resnet18", "svm", (1,), classes=3), ("a", "b", "c"), head="svm")
    assert load_bundle(folder).model.head[-1].out_features == 3
    edit(folder, lambda values: values.update(classes=["a", "b"], positive="b"))
    assert str(folder / WEIGHTS) in refusal(folder)


def test_a_hash_of_other_weights_is_refused(bundle):
    edit(bundle, lambda values: values.update(weights_sha256="0" * 64))
    assert str(bundle / WEIGHTS) in refusal(bundle)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b'"text"', b"\x80\x04}.", b"\xff\xfe", b"[" * 200_000, b'{"a":' * 200_000, b"9" * 9999],
    ids=["empty", "a brace", "null", "a list", "a text", "a pickle", "not UTF-8", "deep", "deep too", "a long number"],
)
def test_a_description_that_is_no_description_is_refused(content, bundle):
    (bundle / DESCRIPTION).write_bytes(content)
    sentence = refusal(bundle)
    assert str(bundle / DESCRIPTION) in sentence
    assert "(field" not in sentence


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.99])
def test_a_truncated_description_is_refused(fraction, bundle):
    content = (bundle / DESCRIPTION).read_bytes()
    (bundle / DESCRIPTION).write_bytes(content[: int(fraction * len(content))])
    assert str(bundle / DESCRIPTION) in refusal(bundle)


def test_the_description_alone_can_be_read_without_the_weights(bundle):
    (bundle / WEIGHTS).unlink()
    assert read_description(bundle).name == "a run"


def test_a_bundle_of_a_newer_format_says_so(bundle: Path) -> None:
    values = json.loads((bundle / DESCRIPTION).read_text())
    (bundle / DESCRIPTION).write_text(json.dumps({**values, "format": FORMAT + 1, "something new": 1}))
    with pytest.raises(BundleError, match="newer brainseg") as caught:
        read_description(bundle)
    assert "\n" not in str(caught.value)


# -------------------------------------------------------------------------------------------------------------- loading


def test_loading_imports_nothing_of_torch_compiler(original: Path) -> None:
    """Empty networks on the meta device would: drawing weights imports `torch._dynamo`, making room for them sympy."""
    code = f"""
import sys
from pathlib import Path
from brainseg.models.bundle import load_bundle
load_bundle(Path({str(original)!r}))
print(*({{"torch._dynamo", "sympy"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_loaded_model_is_float32_and_does_not_need_its_file(bundle: Path, images) -> None:
    stored = load_file(bundle / WEIGHTS)
    half = {name: values.half() if values.is_floating_point() else values for name, values in stored.items()}
    replace_weights(bundle, lambda file: save_file(half, file))
    model = load_bundle(bundle).model
    assert {values.dtype for values in model.state_dict().values()} <= {torch.float32, torch.int64}
    before = model(images)
    with (bundle / WEIGHTS).open("r+b") as file:
        file.truncate(0)
    assert torch.equal(model(images), before)
