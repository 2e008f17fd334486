"""Pretrained layers that are to stay as they came do, and everything else learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.fixtures.runs import weights
from tumorlens.datasets import Table
from tumorlens.errors import RecipeError
from tumorlens.models import create
from tumorlens.training import load_recipe, train
from tumorlens.training.checks import check_fit
from tumorlens.training.loop.freezing import can_freeze, freeze, is_frozen

SMALL = ("input.size=32", "epochs=1", "batch_size=4", "augment.lesion_inpainting=0")


@pytest.mark.parametrize(("sizes", "last"), [(1, "blocks.0."), (2, "blocks.1."), (3, "blocks.2."), (4, "blocks.4.")])
def test_layers_up_to_the_maps_of_a_size_stand_still(sizes: int, last: str) -> None:
    network = create("efficientnet_lite0_unet", 3)
    freeze(network, sizes)
    still = [name.removeprefix("backbone.") for name, weight in network.named_parameters() if not weight.requires_grad]
    assert still[0].startswith("conv_stem")
    assert still[-1].startswith(last)
    moving = [name for name, weight in network.named_parameters() if weight.requires_grad]
    assert not {name.removeprefix("backbone.").split(".")[0] for name in moving} & {"conv_stem", "bn1"}
    assert any(name.startswith("decoder.") for name in moving)


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "vgg16", "efficientnet_lite0_short"])
def test_every_backbone_of_timm_can_keep_its_first_layers(name: str) -> None:
    network = create(name, 3)
    assert can_freeze(network, 2)
    freeze(network, 2)
    still = sum(w.numel() for w in network.parameters() if not w.requires_grad)
    assert 0 < still < 0.2 * sum(w.numel() for w in network.parameters())


def test_frozen_batch_norm_gives_the_same_in_training_as_afterwards() -> None:
    network = create("efficientnet_lite0", 3).train()
    freeze(network, 2)
    first = torch.nn.Sequential(network.backbone.conv_stem, network.backbone.bn1, network.backbone.blocks[:2])
    image = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(first(image), first.eval()(image))


def test_after_training_only_the_others_have_moved(
    phantom_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = create("efficientnet_lite0_unet", len(phantom_table.classes))
    torch.save(first.state_dict(), tmp_path / "first.pt")
    changes = [*SMALL, f"pretrained={tmp_path / 'first.pt'}", "optimizer.freeze=2", "precise_batch_norm=true"]
    run = train(phantom_table, load_recipe("segment", changes), tmp_path / "run")
    before, after = first.state_dict(), weights(run)
    freeze(first, 2)
    still = {f"{name}.{key}" for name, layer in first.named_modules() if is_frozen(layer) for key in layer.state_dict()}
    assert still
    for key, value in after.items():
        moved = not torch.equal(value, before[key])
        if key in still:
            assert not moved, key
    for key in ("head.weight", "backbone.blocks.2.0.conv_pw.weight"):
        assert not torch.equal(after[key], before[key])


def test_what_cannot_stand_still_is_refused(phantom_table: Table) -> None:
    with pytest.raises(RecipeError, match=r"optimizer.freeze is 2, but pretrained is none: layers that start at"):
        check_fit(phantom_table, load_recipe("segment", ["optimizer.freeze=2", "pretrained=none"]))
    with pytest.raises(RecipeError, match=r"optimizer.freeze is 1, but mini_resnet has no maps at 1/2 of the input"):
        check_fit(phantom_table, load_recipe("demo", ["optimizer.freeze=1", "pretrained=imagenet"]))
