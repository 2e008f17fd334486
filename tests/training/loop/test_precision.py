"""bfloat16 is used where the machine supports it, on a CPU with depthwise convolutions in float32."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from tumorlens.datasets import Table
from tumorlens.models import create
from tumorlens.training import load_recipe, train
from tumorlens.training.loop.precision import depthwise_in_float32, precision_here


@pytest.mark.parametrize(
    ("graphics_card", "its_own", "processor", "expected"),
    [
        (False, False, True, "bf16"),
        (False, False, False, "float32"),
        (True, True, False, "bf16"),
        (True, False, True, "float32"),
    ],
)
def test_auto_is_bfloat16_where_it_is_not_emulated(
    graphics_card: bool, its_own: bool, processor: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return its_own or including_emulation

    monkeypatch.setattr(torch.cuda, "is_available", lambda: graphics_card)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: processor)
    assert precision_here("auto") == expected
    assert precision_here("bf16") == "bf16"
    assert precision_here("float32") == "float32"


def test_auto_depends_on_the_processor() -> None:
    flags = Path("/proc/cpuinfo")
    if torch.cuda.is_available() or not flags.is_file():
        pytest.skip("a graphics card, or no list of the features of the processor")
    assert (precision_here("auto") == "bf16") == ("avx512_bf16" in flags.read_text().split())


@pytest.mark.parametrize("emulated", [True, False])
def test_a_run_records_the_precision_and_its_recipe_stays_at_auto(
    emulated: bool, phantom_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: not emulated)
    recipe = load_recipe("demo", ["input.size=32", "batch_size=4", "epochs=1", "precision=auto"])
    run = train(phantom_table, recipe, tmp_path / "run")
    record = json.loads((run.folder / "run.json").read_text())
    assert record["precision"] == run.record.precision == ("float32" if emulated else "bf16")
    assert load_recipe(run.folder / "recipe.yaml").precision == "auto"


def test_a_depthwise_convolution_keeps_float32_accuracy_under_autocast() -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(8, 8, 3, padding=1, groups=8)
    patched = copy.deepcopy(plain)
    depthwise_in_float32(patched)
    x = torch.randn(2, 8, 16, 16)
    exact = plain(x)
    with torch.autocast("cpu", torch.bfloat16):
        accurate, rounded = patched(x), plain(x)
    assert accurate.dtype == rounded.dtype == torch.bfloat16
    assert torch.equal(accurate, exact.bfloat16())  # rounded once, at the end
    assert not torch.equal(rounded, exact.bfloat16())


def test_other_convolutions_stay_in_bfloat16() -> None:
    torch.manual_seed(0)
    pointwise = nn.Conv2d(8, 8, 1)
    x = torch.randn(1, 8, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        before = pointwise(x)
        depthwise_in_float32(pointwise)
        assert torch.equal(pointwise(x), before)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficient_mtnet_s", "mini_resnet"])
def test_without_autocast_nothing_changes(name: str) -> None:
    torch.manual_seed(0)
    network = create(name, 3).eval()
    image, names = torch.randn(1, 3, 64, 64), list(network.state_dict())
    with torch.no_grad():
        before = network(image).logits
        depthwise_in_float32(network)
        assert torch.equal(network(image).logits, before)
    assert list(network.state_dict()) == names


def test_gradients_reach_the_weights() -> None:
    layer = nn.Conv2d(4, 4, 3, groups=4)
    depthwise_in_float32(layer)
    with torch.autocast("cpu", torch.bfloat16):
        layer(torch.randn(1, 4, 8, 8)).float().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.float32
