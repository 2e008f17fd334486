"""Learning rates of backbone and other weights, and their schedules."""

from __future__ import annotations

import pytest
import torch

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Table
from tumorlens.errors import RecipeError
from tumorlens.models import create
from tumorlens.training import load_recipe
from tumorlens.training.checks import check_fit
from tumorlens.training.loop.optimizers import make_optimizer, make_schedule

STEPS = 20


def _rates(schedule: str, *changes: str) -> list[list[float]]:
    """The learning rates of all groups at every step."""
    recipe = load_recipe("finetune", [f"schedule={schedule}", "optimizer.lr=1.0e-2", *changes])
    optimizer = make_optimizer(create("efficientnet_lite0", 3), recipe.optimizer)
    scheduler = make_schedule(optimizer, recipe.schedule, STEPS, 5)
    rates = []
    for _ in range(STEPS):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return rates


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_the_backbone_has_a_lower_learning_rate_and_all_others_the_full_one(name: str) -> None:
    recipe = load_recipe(
        "segment", [f"optimizer.name={name}", "optimizer.lr=1.0e-2", "optimizer.backbone_lr_factor=0.25"]
    )
    network = create(recipe.model, 3)
    rest, slow = make_optimizer(network, recipe.optimizer).param_groups
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
def test_a_schedule_changes_both_learning_rates_by_the_same_factor(schedule: str) -> None:
    rates = torch.tensor(_rates(schedule, "optimizer.backbone_lr_factor=0.25"))
    torch.testing.assert_close(rates[:, 1], 0.25 * rates[:, 0])
    assert rates.max() == pytest.approx(1.0e-2, rel=1e-6)


def test_a_network_without_backbone_is_refused(phantom_table: Table) -> None:
    recipe = load_recipe("demo", ["optimizer.backbone_lr_factor=0.5"])
    with assert_refused(
        RecipeError, found="optimizer.backbone_lr_factor is 0.5, but mini_resnet has no separate backbone"
    ):
        check_fit(phantom_table, recipe)
