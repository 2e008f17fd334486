"""Which weights move how fast, and when."""

from __future__ import annotations

import pytest
import torch

from tumorlens.datasets import Table
from tumorlens.errors import RecipeError
from tumorlens.models import create
from tumorlens.training import load_recipe
from tumorlens.training.checks import check_fit
from tumorlens.training.loop.optimizers import make_optimizer, make_schedule

STEPS = 20


def _rates(schedule: str, *changes: str) -> list[list[float]]:
    """The rates of all groups at every step."""
    chosen = load_recipe("finetune", [f"schedule={schedule}", "optimizer.lr=1.0e-2", *changes])
    optimizer = make_optimizer(create("efficientnet_lite0", 3), chosen.optimizer)
    moving = make_schedule(optimizer, chosen.schedule, STEPS, 5)
    seen = []
    for _ in range(STEPS):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        if moving is not None:
            moving.step()
    return seen


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_the_backbone_moves_more_slowly_and_everything_else_at_full_rate(name: str) -> None:
    chosen = load_recipe("segment", [f"optimizer.name={name}", "optimizer.lr=1.0e-2", "optimizer.backbone=0.25"])
    network = create(chosen.model, 3)
    rest, slow = make_optimizer(network, chosen.optimizer).param_groups
    assert (rest["lr"], slow["lr"]) == (1.0e-2, 2.5e-3)
    names = {id(weight): key for key, weight in network.named_parameters()}
    assert {names[id(weight)].split(".")[0] for weight in slow["params"]} == {"backbone"}
    assert {names[id(weight)].split(".")[0] for weight in rest["params"]} == {"head", "decoder"}
    assert len(rest["params"]) + len(slow["params"]) == len(names)


def test_without_it_all_weights_are_one_group() -> None:
    network = create("efficientnet_lite0", 3)
    (group,) = make_optimizer(network, load_recipe("finetune").optimizer).param_groups
    assert len(group["params"]) == len(list(network.parameters()))


@pytest.mark.parametrize("schedule", ["{name: onecycle, warmup: 0.2}", "{name: cosine, warmup: 1}", "{name: constant}"])
def test_a_schedule_moves_both_rates_alike(schedule: str) -> None:
    rates = torch.tensor(_rates(schedule, "optimizer.backbone=0.25"))
    torch.testing.assert_close(rates[:, 1], 0.25 * rates[:, 0])
    assert rates.max() == pytest.approx(1.0e-2, rel=1e-6)


def test_a_network_without_backbone_is_refused(phantom_table: Table) -> None:
    chosen = load_recipe("demo", ["optimizer.backbone=0.5"])
    with pytest.raises(RecipeError, match=r"optimizer.backbone is 0.5, but mini_resnet has no backbone apart"):
        check_fit(phantom_table, chosen)
