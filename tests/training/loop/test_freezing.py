"""Frozen layers keep their pretrained weights, and all others are trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.fixtures.refusal import assert_refused
from tests.fixtures.runs import weights
from tumorlens.datasets import Table
from tumorlens.errors import RecipeError
from tumorlens.models import create
from tumorlens.training import load_recipe, train
from tumorlens.training.checks import check_fit
from tumorlens.training.loop.freezing import can_freeze, freeze, is_frozen

SMALL = ("input.size=32", "epochs=1", "batch_size=4", "augment.lesion_inpainting=0")


@pytest.mark.parametrize(("sizes", "last"), [(1, "blocks.0."), (2, "blocks.1."), (3, "blocks.2."), (4, "blocks.4.")])
def test_layers_up_to_the_maps_of_a_size_are_frozen(sizes: int, last: str) -> None:
    network = create("efficientnet_lite0_unet", 3)
    freeze(network, sizes)
    frozen = [name.removeprefix("backbone.") for name, weight in network.named_parameters() if not weight.requires_grad]
    assert frozen[0].startswith("conv_stem")
    assert frozen[-1].startswith(last)
    trained = [name for name, weight in network.named_parameters() if weight.requires_grad]
    assert not {name.removeprefix("backbone.").split(".")[0] for name in trained} & {"conv_stem", "bn1"}
    assert any(name.startswith("decoder.") for name in trained)


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "vgg16", "efficientnet_lite0_short"])
def test_every_backbone_of_timm_can_be_frozen(name: str) -> None:
    network = create(name, 3)
    assert can_freeze(network, 2)
    freeze(network, 2)
    frozen = sum(w.numel() for w in network.parameters() if not w.requires_grad)
    assert 0 < frozen < 0.2 * sum(w.numel() for w in network.parameters())


def test_frozen_batch_norm_gives_the_same_output_in_training_and_evaluation() -> None:
    network = create("efficientnet_lite0", 3).train()
    freeze(network, 2)
    first = torch.nn.Sequential(network.backbone.conv_stem, network.backbone.bn1, network.backbone.blocks[:2])
    image = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(first(image), first.eval()(image))


def test_training_changes_only_the_other_layers(
    phantom_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = create("efficientnet_lite0_unet", len(phantom_table.classes))
    torch.save(first.state_dict(), tmp_path / "first.pt")
    changes = [*SMALL, f"pretrained={tmp_path / 'first.pt'}", "optimizer.frozen_stages=2", "precise_batch_norm=true"]
    run = train(phantom_table, load_recipe("segment", changes), tmp_path / "run")
    before, after = first.state_dict(), weights(run)
    freeze(first, 2)
    frozen = {
        f"{name}.{key}" for name, layer in first.named_modules() if is_frozen(layer) for key in layer.state_dict()
    }
    assert frozen
    for key, value in after.items():
        if key in frozen:
            assert torch.equal(value, before[key]), key
    for key in ("head.weight", "backbone.blocks.2.0.conv_pw.weight"):
        assert not torch.equal(after[key], before[key])


def test_layers_that_cannot_be_frozen_are_refused(phantom_table: Table) -> None:
    with assert_refused(RecipeError, found="optimizer.frozen_stages is 2, but pretrained is none: the frozen layers"):
        check_fit(phantom_table, load_recipe("segment", ["optimizer.frozen_stages=2", "pretrained=none"]))
    with assert_refused(
        RecipeError, found="optimizer.frozen_stages is 1, but mini_resnet has no maps at 1/2 of the input"
    ):
        check_fit(phantom_table, load_recipe("demo", ["optimizer.frozen_stages=1", "pretrained=imagenet"]))
