from __future__ import annotations

import copy
import functools
import hashlib
import json
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file

from brainseg.errors import WeightsError
from brainseg.models.architectures import ResNetBody
from brainseg.models.sources import WEIGHTS
from brainseg.models.weights import load_weights
from tests.models.conftest import Trap, live, one_sentence, store

PARTIAL = {
    "resnet18": "resnet18-imagenet-partial.safetensors",
    "resnet34": "resnet34-grown-partial.safetensors",
    "resnet50": "resnet50-imagenet-partial.safetensors",
}
HALF_LIMIT = 65504


@functools.cache
def fresh_body(arch: str, stages: tuple[int, ...], seed: int) -> ResNetBody:
    torch.manual_seed(seed)
    return ResNetBody(arch, stages)


def new_body(arch: str = "resnet18", stages: tuple[int, ...] = (4,), seed: int = 0) -> ResNetBody:
    return copy.deepcopy(fresh_body(arch, stages, seed))


def refusal(spec: Path | str, arch: str = "resnet18", stages: tuple[int, ...] = (4,), **options: Path) -> str:
    """Load weights that must be refused; return the error message, and check that the body is unchanged."""
    body, before = new_body(arch, stages), fresh_body(arch, stages, 0)
    with pytest.raises(WeightsError) as caught:
        load_weights(body, arch, str(spec), **options)
    assert_taken(body, before.state_dict())
    return one_sentence(caught.value)


@pytest.fixture(scope="session")
def weights(shared: Path) -> Path:
    return shared / "weights"


@pytest.fixture(scope="session")
def resnet18() -> dict[str, torch.Tensor]:
    """The whole state of a torchvision ResNet18 with its classifier, in half precision."""
    torch.manual_seed(11)
    state = live(torchvision.models.resnet18(weights=None)).state_dict()
    return {name: value.half() if value.is_floating_point() else value for name, value in state.items()}


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    def save(content: object, name: str = "weights.pth") -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return save


def assert_taken(body: ResNetBody, state: dict[str, torch.Tensor]) -> None:
    for name, value in body.state_dict().items():
        assert torch.equal(value, state[name].to(value.dtype)), name


# ------------------------------------------------------------------------------------------------------ partial files


@pytest.mark.parametrize(
    ("arch", "counts"),
    [
        ("resnet18", {"stem": (5, 5), "layer1": (20, 20), "layer2": (25, 25), "layer3": (25, 25), "layer4": (5, 25)}),
        ("resnet34", {"stem": (5, 5), "layer1": (22, 30), "layer2": (29, 45), "layer3": (33, 65), "layer4": (0, 35)}),
        ("resnet50", {"stem": (5, 5), "layer1": (50, 50), "layer2": (65, 65), "layer3": (95, 95), "layer4": (41, 50)}),
    ],
)
def test_partial_file_is_counted_stage_by_stage(arch, counts, weights):
    report = load_weights(new_body(arch), arch, str(weights / PARTIAL[arch]))
    assert report.stages == counts
    assert report.taken == sum(taken for taken, _ in counts.values())
    assert report.total == sum(total for _, total in counts.values())
    assert report.random_stages == ("layer4",)
    assert not report.pretrained
    assert report.sentence() == (
        f"Loaded {report.taken} of {report.total} tensors of the body from {PARTIAL[arch]}; layer4 starts with random "
        "weights, so this body is NOT fully pretrained."
    )
    assert report.sha256 == hashlib.sha256((weights / PARTIAL[arch]).read_bytes()).hexdigest()
    assert json.loads(json.dumps(report.to_dict()))["pretrained"] is False


@pytest.mark.parametrize("arch", PARTIAL)
def test_stages_that_are_said_to_work_do_not_depend_on_the_random_start(arch, weights, images):
    """The resnet34 file lacks most tensors of its added blocks, which must pass their input through."""
    maps = []
    for seed in (1, 2):
        body = new_body(arch, (1, 2, 3, 4), seed)
        load_weights(body, arch, str(weights / PARTIAL[arch]))
        with torch.no_grad():
            maps.append(body.eval()(images))
    for stage in range(3):
        assert torch.equal(maps[0][stage], maps[1][stage])
        assert maps[0][stage].isfinite().all()
        assert maps[0][stage].std() > 0.01
    assert not torch.allclose(maps[0][3], maps[1][3])


@pytest.mark.parametrize("arch", PARTIAL)
def test_a_body_that_ends_before_the_random_stage_is_pretrained(arch, weights):
    report = load_weights(new_body(arch, (2, 3)), arch, str(weights / PARTIAL[arch]))
    assert report.pretrained
    assert report.random_stages == ()
    assert report.sentence().endswith("every stage works as trained.")


@pytest.mark.parametrize("arch", PARTIAL)
def test_every_tensor_is_taken_over_as_the_file_has_it(arch, weights):
    body = new_body(arch)
    load_weights(body, arch, str(weights / PARTIAL[arch]))
    content = load_file(weights / PARTIAL[arch])
    own = body.state_dict()
    for name in set(content) & set(own):
        assert torch.equal(own[name], content[name].to(own[name].dtype).clamp(max=HALF_LIMIT)), name


def test_a_variance_that_overflowed_in_half_precision_loads_as_finite(weights):
    content = load_file(weights / PARTIAL["resnet50"])
    assert [name for name, value in content.items() if not value.isfinite().all()] == ["bn1.running_var"]
    body = new_body("resnet50")
    load_weights(body, "resnet50", str(weights / PARTIAL["resnet50"]))
    assert all(value.isfinite().all() for value in body.state_dict().values())
    assert body.bn1.running_var[content["bn1.running_var"].isinf()].tolist() == [HALF_LIMIT]


# -------------------------------------------------------------------------------------------------- other architectures


@pytest.mark.parametrize(
    ("made_for", "arch"),
    [(made_for, arch) for made_for in PARTIAL for arch in PARTIAL if made_for != arch],
)
def test_partial_file_of_another_architecture_is_refused(made_for, arch, weights):
    sentence = refusal(weights / PARTIAL[made_for], arch)
    assert PARTIAL[made_for] in sentence
    assert arch in sentence


def hollow(arch: str) -> dict[str, torch.Tensor]:
    """A state dict with the names and shapes of an architecture that takes almost no space."""
    with torch.device("meta"):
        state = torchvision.models.get_model(arch, weights=None).state_dict()
    return {name: torch.ones((), dtype=value.dtype).expand(value.shape) for name, value in state.items()}


@pytest.mark.parametrize(
    ("made_for", "arch", "stages"),
    [
        # A deeper network with the same kind of block holds every tensor of the shallower one.
        ("resnet34", "resnet18", (4,)),
        ("resnet34", "resnet18", (2, 3)),
        ("resnet101", "resnet50", (4,)),
        ("resnet152", "resnet50", (3,)),
        ("wide_resnet50_2", "resnet50", (4,)),
        ("resnext50_32x4d", "resnet50", (4,)),
        ("vgg11", "resnet18", (4,)),
    ],
)
def test_whole_file_of_another_architecture_is_refused(made_for, arch, stages, saved):
    sentence = refusal(saved(hollow(made_for), f"{made_for}.pth"), arch, stages)
    assert f"{made_for}.pth" in sentence
    assert arch in sentence


def test_the_shallower_of_two_nets_leaves_stages_random_and_says_so(saved):
    report = load_weights(new_body("resnet101"), "resnet101", str(saved(hollow("resnet50"))))
    assert report.random_stages == ("layer3",)
    assert not report.pretrained


def test_three_random_stages_are_listed_as_people_do(saved, resnet18):
    state = {name: value for name, value in resnet18.items() if not name.startswith(("layer2", "layer3", "layer4"))}
    sentence = load_weights(new_body(), "resnet18", str(saved(state))).sentence()
    assert "; layer2, layer3 and layer4 start with random weights, so this body is NOT fully pretrained." in sentence


# ------------------------------------------------------------------------------------------------------- forms of files

WRAPPINGS = {
    "plain": lambda state: state,
    "state_dict": lambda state: {"state_dict": state, "epoch": 3, "best": 0.9},
    "model": lambda state: {"model": state, "optimizer": {"lr": 0.1}},
    "module": lambda state: {f"module.{name}": value for name, value in state.items()},
    "body": lambda state: {f"body.{name}": value for name, value in state.items()},
    "state_dict of module": lambda state: {"state_dict": {f"module.{name}": value for name, value in state.items()}},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_pth_with_plain_tensors_is_read_however_it_is_wrapped(wrapping, resnet18, saved):
    body = new_body()
    report = load_weights(body, "resnet18", str(saved(WRAPPINGS[wrapping](resnet18))))
    assert (report.taken, report.total) == (100, 100)
    assert report.pretrained
    assert_taken(body, resnet18)


def test_pth_in_the_old_format_is_read(resnet18, tmp_path):
    torch.save(resnet18, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    body = new_body()
    assert load_weights(body, "resnet18", str(tmp_path / "old.pt")).pretrained
    assert_taken(body, resnet18)


def test_safetensors_are_read(resnet18, tmp_path):
    save_file(resnet18, tmp_path / "whole.safetensors")
    body = new_body()
    assert load_weights(body, "resnet18", str(tmp_path / "whole.safetensors")).sentence() == (
        "Loaded 100 of 100 tensors of the body from whole.safetensors; every stage works as trained."
    )
    assert_taken(body, resnet18)


@pytest.mark.parametrize("name", ["missing.safetensors", "missing.pth", "."])
def test_missing_file_names_the_file_and_both_ways_out(name, tmp_path):
    sentence = refusal(tmp_path / name)
    assert str(tmp_path / name) in sentence
    assert "--weights FILE" in sentence
    assert "--weights none" in sentence


@pytest.mark.parametrize("name", ["weights.bin", "weights.pkl", "weights"])
def test_other_kinds_of_files_are_refused_by_name(name, tmp_path):
    (tmp_path / name).write_bytes(b"x")
    assert name in refusal(tmp_path / name)


DAMAGE = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "without its head": lambda content: content[1000:],
    "a header of a terabyte": lambda content: (1 << 40).to_bytes(8, "little") + content[8:],
    "text": lambda content: b"<html>404 Not Found</html>",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
def test_damaged_file_is_refused_with_its_name(name, damage, resnet18, tmp_path):
    file = tmp_path / name
    small = {"conv1.weight": resnet18["conv1.weight"]}
    save_file(small, file) if name.endswith("safetensors") else torch.save(small, file)
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    assert str(file) in refusal(file)


@pytest.mark.parametrize(
    "content", [[1, 2, 3], {}, {"state_dict": {}}, {"state_dict": 3}, {1: torch.ones(1)}, torch.ones(3), "text"]
)
def test_pth_without_a_state_is_refused(content, saved):
    assert "weights.pth" in refusal(saved(content))


@pytest.mark.parametrize(
    "strange",
    [
        lambda value: value.float().to_sparse(),
        lambda value: torch.quantize_per_tensor(value.float(), 0.1, 0, torch.qint8),
        lambda value: value.to("meta"),
        lambda value: value.to(torch.complex64),
        lambda value: "a tensor",
    ],
    ids=["sparse", "quantised", "meta", "complex", "text"],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tensors_without_plain_values_count_as_missing(strange, resnet18, saved):
    refusal(saved({**resnet18, "conv1.weight": strange(resnet18["conv1.weight"])}))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_tensor_with_a_value_that_is_no_number_is_not_taken(value, resnet18, saved):
    broken = resnet18["layer3.0.conv1.weight"].float()
    broken[0, 0, 0, 0] = value
    body = new_body()
    report = load_weights(body, "resnet18", str(saved({**resnet18, "layer3.0.conv1.weight": broken})))
    assert report.taken == 99
    assert report.random_stages == ("layer3",)
    assert all(tensor.isfinite().all() for tensor in body.state_dict().values())


# -------------------------------------------------------------------------------------------------------- hostile files


HOSTILE = {
    "alone": lambda payload, state: payload,
    "among good tensors": lambda payload, state: {**state, "zzz": payload},
    "beside a state": lambda payload, state: {"state_dict": state, "epoch": payload},
}


@pytest.mark.parametrize("name", ["hostile.pth", "hostile.pt", "hostile.safetensors"])
@pytest.mark.parametrize("form", HOSTILE)
def test_a_file_that_would_run_code_is_refused_and_does_not(form, name, resnet18, saved, tmp_path):
    marker = tmp_path / "marker"
    small = {"conv1.weight": resnet18["conv1.weight"]}
    file = saved(HOSTILE[form](Trap(marker), small), name)
    assert str(file) in refusal(file)
    assert not marker.exists()
    torch.load(file.rename(tmp_path / "trap.pth"), weights_only=False)  # the trap is real
    assert marker.exists()


def test_a_bare_pickle_named_pth_is_refused_and_does_not_run(tmp_path):
    marker, file = tmp_path / "marker", tmp_path / "hostile.pth"
    file.write_bytes(pickle.dumps(Trap(marker), protocol=2))
    assert str(file) in refusal(file)
    assert not marker.exists()


# ------------------------------------------------------------------------------------------------------------- imagenet


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty torch cache, and no proxy between the tests and their server."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def point_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Move torchvision's ResNet18 to another address."""
    return lambda url: monkeypatch.setattr(torchvision.models.ResNet18_Weights.IMAGENET1K_V1.value, "url", url)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def served(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server on the loopback interface; `answer` handles every request."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            answer(self)

        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def file_answer(content: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(content)

    return answer


@pytest.mark.parametrize("spec", ["imagenet", "imagenet-v1"])
def test_imagenet_comes_from_the_local_cache_without_a_network(spec, hub, point_to, closed_port, resnet18):
    name = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[-1]
    point_to(f"http://127.0.0.1:{closed_port}/models/{name}")
    hub.mkdir(parents=True)
    torch.save(resnet18, hub / name)
    body = new_body()
    report = load_weights(body, "resnet18", spec)
    assert report.pretrained
    assert report.source == f"{spec} ({name})"
    assert_taken(body, resnet18)


def test_imagenet_and_its_first_version_are_different_files():
    resnet50 = torchvision.models.get_model_weights("resnet50")
    assert resnet50["DEFAULT"].url != resnet50["IMAGENET1K_V1"].url


def assert_names_both_ways_out(sentence: str) -> None:
    assert "resnet18" in sentence
    assert "--weights FILE" in sentence
    assert "--weights none" in sentence


def test_imagenet_without_cache_and_network_stops_and_names_both_ways_out(hub, point_to, closed_port):
    point_to(f"http://127.0.0.1:{closed_port}/models/resnet18-f37072fd.pth")
    assert_names_both_ways_out(refusal("imagenet"))


def test_imagenet_is_downloaded_into_the_cache_with_progress(hub, point_to, resnet18, saved, capfd):
    content = saved(resnet18).read_bytes()
    name = f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    with served(file_answer(content)) as address:
        point_to(f"{address}/models/{name}")
        body = new_body()
        assert load_weights(body, "resnet18", "imagenet").pretrained
    assert_taken(body, resnet18)
    assert (hub / name).read_bytes() == content
    output = capfd.readouterr()
    assert "100%" in output.err
    assert output.out == ""
    assert load_weights(new_body(), "resnet18", "imagenet").pretrained, "the server is gone, the cache is there"


def talk_nonsense(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"220 mail.example.org ESMTP\r\n")


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(socket.SHUT_RDWR)


ANSWERS = {
    "not found": lambda request: request.send_error(404),
    "forbidden": lambda request: request.send_error(403),
    "another file": file_answer(b"a login page"),
    "nonsense": talk_nonsense,
    "nothing": hang_up,
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_that_does_not_have_the_file_leaves_nothing_in_the_cache(answer, hub, point_to):
    with served(ANSWERS[answer]) as address:
        point_to(f"{address}/models/resnet18-f37072fd.pth")
        assert_names_both_ways_out(refusal("imagenet"))
    assert not hub.exists() or not list(hub.iterdir())


def test_a_damaged_file_in_the_cache_is_named_in_full(hub, point_to, closed_port):
    point_to(f"http://127.0.0.1:{closed_port}/models/resnet18-f37072fd.pth")
    hub.mkdir(parents=True)
    (hub / "resnet18-f37072fd.pth").write_bytes(b"half a file")
    assert str(hub / "resnet18-f37072fd.pth") in refusal("imagenet")


# ------------------------------------------------------------------------------------------------- none and warm starts


def test_none_leaves_the_body_as_it_is_and_says_so():
    body = new_body(seed=5)
    report = load_weights(body, "resnet18", "none")
    assert_taken(body, fresh_body("resnet18", (4,), 5).state_dict())
    assert (report.taken, report.total, report.sha256) == (0, 100, "")
    assert report.random_stages == ("stem", "layer1", "layer2", "layer3", "layer4")
    assert not report.pretrained
    assert report.sentence() == "The body starts from random weights."


def test_warm_start_takes_the_body_of_a_bundle(classifier, tmp_path):
    model = classifier()
    file = store(tmp_path / "bundle", model) / WEIGHTS
    body = new_body(seed=9)
    report = load_weights(body, "resnet18", "run:0123abcd", warm_start=file)
    assert report.source == "run:0123abcd"
    assert (report.taken, report.total) == (100, 100)
    assert report.pretrained
    assert_taken(body, model.body.state_dict())


def test_warm_start_from_a_shorter_body_leaves_the_last_stage_random(classifier, tmp_path):
    file = store(tmp_path / "bundle", classifier("resnet18", "logistic", (2, 3)), head="logistic") / WEIGHTS
    report = load_weights(new_body(), "resnet18", "run:0123abcd", warm_start=file)
    assert report.random_stages == ("layer4",)


def test_warm_start_from_a_longer_body_fills_the_shorter_one(classifier, tmp_path):
    file = store(tmp_path / "bundle", classifier()) / WEIGHTS
    assert load_weights(new_body("resnet18", (2, 3)), "resnet18", "run:0123abcd", warm_start=file).pretrained


@pytest.mark.parametrize(("trained", "arch"), [("resnet34", "resnet18"), ("resnet18", "resnet34")])
def test_warm_start_from_another_architecture_is_refused(trained, arch, classifier, tmp_path):
    file = store(tmp_path / "bundle", classifier(trained), arch=trained) / WEIGHTS
    assert arch in refusal("run:0123abcd", arch, warm_start=file)


def test_warm_start_from_a_run_without_its_file_is_refused(tmp_path):
    assert "gone" in refusal("run:0123abcd", warm_start=tmp_path / "gone" / WEIGHTS)
