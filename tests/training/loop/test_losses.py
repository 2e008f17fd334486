"""The multi-task loss, by hand on images of four pixels."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tumorlens.models import ModelOutput, create
from tumorlens.training.loop.losses import MaskLoss, MultiTaskLoss, Over, dice

EVEN = torch.zeros(1, 1, 2, 2)  # a probability of one half everywhere
ONE_OF_FOUR = torch.tensor([[[[1, 0], [0, 0]]]], dtype=torch.uint8)
LN2 = math.log(2)


def _output(logits: Tensor, mask: Tensor, *auxiliary: Tensor) -> ModelOutput:
    return ModelOutput(logits, torch.empty(0), mask, auxiliary)


def test_dice_and_focal_loss_are_those_of_the_formulas() -> None:
    dice = MaskLoss(dice=1, focal=0)(EVEN, ONE_OF_FOUR)
    focal = MaskLoss(dice=0, focal=1)(EVEN, ONE_OF_FOUR)
    # Dice: 2 * 0.5 / (4 * 0.5 + 1). Focal: one pixel weighs 0.25, three weigh 0.75, all times 0.5 squared.
    assert float(dice) == pytest.approx(1 - 1 / 3, abs=1e-4)
    assert float(focal) == pytest.approx((0.25 + 3 * 0.75) / 4 * 0.25 * LN2, abs=1e-6)
    assert float(MaskLoss()(EVEN, ONE_OF_FOUR)) == pytest.approx(float(dice + focal) / 2)


def test_a_sure_and_right_mask_costs_nothing_and_a_wrong_one_much() -> None:
    right = 30.0 * (2 * ONE_OF_FOUR.float() - 1)
    assert float(MaskLoss()(right, ONE_OF_FOUR)) == pytest.approx(0, abs=1e-4)
    assert float(MaskLoss()(-right, ONE_OF_FOUR)) > 1


def test_over_a_batch_the_dice_is_that_of_all_pixels_together() -> None:
    masks = torch.zeros(2, 1, 2, 2)
    masks[0, 0, 0, 0] = 1
    logits = torch.zeros(2, 1, 2, 2)  # one half everywhere: 4 pixels are drawn, 1 is true, and half of it is drawn
    found = MaskLoss(dice=1, focal=0, over="batch")(logits, masks)
    assert float(found) == pytest.approx(1 - 2 * 0.5 / (4 + 1), abs=1e-4)


@pytest.mark.parametrize(("over", "learns"), [("image", False), ("batch", True)])
def test_only_over_a_batch_is_something_learned_from_drawing_where_no_tumor_is(over: Over, learns: bool) -> None:
    masks = torch.zeros(2, 1, 2, 2)
    masks[0, 0, 0, 0] = 1
    logits = torch.zeros(2, 1, 2, 2, requires_grad=True)
    MaskLoss(dice=1, focal=0, over=over)(logits, masks).backward()
    assert logits.grad is not None
    assert bool((logits.grad[1] > 1e-3).all()) is learns


def test_the_total_is_the_weighted_sum_of_its_parts() -> None:
    logits, labels = torch.tensor([[0.0, 0.0]]), torch.tensor([1])
    output = _output(logits, EVEN, torch.full((1, 1, 1, 1), 3.0), torch.zeros(1, 1, 1, 1))
    parts = MultiTaskLoss()(output, labels, ONE_OF_FOUR, torch.tensor([True]))
    mask = MaskLoss()
    assert float(parts.classification) == pytest.approx(LN2)
    assert float(parts.mask) == pytest.approx(float(mask(EVEN, ONE_OF_FOUR)))
    heads = mask(EVEN, ONE_OF_FOUR) + mask(EVEN + 3, ONE_OF_FOUR)
    assert float(parts.auxiliary) == pytest.approx(float(heads) / 2)
    assert float(parts.total) == pytest.approx(
        0.4 * float(parts.classification) + 0.6 * float(parts.mask) + 0.4 * float(parts.auxiliary)
    )


def test_weights_are_settings() -> None:
    output = _output(torch.tensor([[0.0, 0.0]]), EVEN, EVEN)
    truth = torch.tensor([0]), ONE_OF_FOUR, torch.tensor([True])
    parts = MultiTaskLoss(classification=1, mask=2, auxiliary=3)(output, *truth)
    assert float(parts.total) == pytest.approx(float(parts.classification + 2 * parts.mask + 3 * parts.auxiliary))
    assert float(MultiTaskLoss(gamma=0, alpha=0.5, dice=0, focal=1)(output, *truth).mask) == pytest.approx(LN2 / 2)


def test_label_smoothing_and_class_weights_reach_the_cross_entropy() -> None:
    logits, labels = torch.tensor([[2.0, 0.0], [0.5, 1.0]]), torch.tensor([0, 1])
    weights = torch.tensor([1.0, 3.0])
    parts = MultiTaskLoss(class_weights=weights, label_smoothing=0.1)(
        _output(logits, EVEN.repeat(2, 1, 1, 1)), labels, ONE_OF_FOUR.repeat(2, 1, 1, 1), torch.tensor([True, True])
    )
    expected = F.cross_entropy(logits, labels, weights, label_smoothing=0.1)
    torch.testing.assert_close(parts.classification, expected)


def test_a_image_without_a_mask_counts_for_its_class_alone() -> None:
    drawn = torch.cat([EVEN, EVEN + 5]).requires_grad_()
    masks = torch.cat([ONE_OF_FOUR, torch.full_like(ONE_OF_FOUR, 255)])  # what stands there must not matter
    output = _output(torch.zeros(2, 2), drawn, drawn)
    parts = MultiTaskLoss()(output, torch.tensor([0, 1]), masks, torch.tensor([True, False]))
    parts.total.backward()
    torch.testing.assert_close(parts.mask, MaskLoss()(EVEN, ONE_OF_FOUR))
    torch.testing.assert_close(parts.auxiliary, parts.mask)
    assert drawn.grad is not None
    assert drawn.grad[0].any()
    assert not drawn.grad[1].any()


def test_a_batch_without_any_mask_still_gives_every_weight_a_gradient() -> None:
    torch.manual_seed(0)
    network = create("efficient_mtnet_s", 2)
    masks = torch.zeros(2, 1, 64, 64, dtype=torch.uint8)
    parts = MultiTaskLoss()(network(torch.randn(2, 3, 64, 64)), torch.tensor([0, 1]), masks, torch.zeros(2).bool())
    assert not parts.mask
    assert not parts.auxiliary
    parts.total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_a_network_learns_to_draw_what_is_bright() -> None:
    torch.manual_seed(0)
    network = create("efficient_mtnet_s", 2, dropout=0.0)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    masks = torch.zeros(2, 1, 64, 64)
    masks[0, :, 8:40, 8:40] = masks[1, :, 24:56, 16:56] = 1
    images = masks.expand(-1, 3, -1, -1) + 0.1 * torch.randn(2, 3, 64, 64)
    loss = MultiTaskLoss()
    totals = []
    for _ in range(12):
        parts = loss(network(images), torch.tensor([0, 1]), masks, torch.ones(2).bool())
        optimizer.zero_grad()
        parts.total.backward()
        optimizer.step()
        totals.append(parts.total.item())
    assert totals[-1] < 0.6 * totals[0]


def test_dice_of_each_image_is_that_of_the_formula() -> None:
    true = torch.cat([ONE_OF_FOUR] * 3)
    said = torch.full((3, 1, 2, 2), -1.0)
    said[1, 0, 0] = 2.0  # the one, and one too many
    said[2, 0, 0, 0] = 0.1  # the one
    assert dice(said, true).tolist() == pytest.approx([0, 2 / 3, 1])
