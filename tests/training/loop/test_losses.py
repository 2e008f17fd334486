"""The multi-task loss, by hand on images of four pixels."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tumorlens.models import ModelOutput, create
from tumorlens.training.loop.losses import DiceOver, MultiTaskLoss, SegmentationLoss, dice

EVEN = torch.zeros(1, 1, 2, 2)  # a probability of one half everywhere
ONE_OF_FOUR = torch.tensor([[[[1, 0], [0, 0]]]], dtype=torch.uint8)
LN2 = math.log(2)


def _output(logits: Tensor, mask: Tensor, *auxiliary: Tensor) -> ModelOutput:
    return ModelOutput(logits, torch.empty(0), mask, auxiliary)


def test_dice_and_focal_loss_are_those_of_the_formulas() -> None:
    dice = SegmentationLoss(dice=1, focal=0)(EVEN, ONE_OF_FOUR)
    focal = SegmentationLoss(dice=0, focal=1)(EVEN, ONE_OF_FOUR)
    # Dice: 2 * 0.5 / (4 * 0.5 + 1). Focal: one pixel weighs 0.25, three weigh 0.75, all times 0.5 squared.
    assert float(dice) == pytest.approx(1 - 1 / 3, abs=1e-4)
    assert float(focal) == pytest.approx((0.25 + 3 * 0.75) / 4 * 0.25 * LN2, abs=1e-6)
    assert float(SegmentationLoss()(EVEN, ONE_OF_FOUR)) == pytest.approx(float(dice + focal) / 2)


def test_a_confident_correct_mask_has_no_loss_and_a_wrong_one_a_large_loss() -> None:
    correct = 30.0 * (2 * ONE_OF_FOUR.float() - 1)
    assert float(SegmentationLoss()(correct, ONE_OF_FOUR)) == pytest.approx(0, abs=1e-4)
    assert float(SegmentationLoss()(-correct, ONE_OF_FOUR)) > 1


def test_over_a_batch_the_dice_is_that_of_all_pixels_together() -> None:
    masks = torch.zeros(2, 1, 2, 2)
    masks[0, 0, 0, 0] = 1
    logits = torch.zeros(2, 1, 2, 2)  # one half everywhere: 4 pixels predicted, 1 in the reference, overlap 0.5
    loss = SegmentationLoss(dice=1, focal=0, over="batch")(logits, masks)
    assert float(loss) == pytest.approx(1 - 2 * 0.5 / (4 + 1), abs=1e-4)


@pytest.mark.parametrize(("over", "has_gradient"), [("image", False), ("batch", True)])
def test_only_dice_over_a_batch_has_a_gradient_in_healthy_images(over: DiceOver, has_gradient: bool) -> None:
    masks = torch.zeros(2, 1, 2, 2)
    masks[0, 0, 0, 0] = 1
    logits = torch.zeros(2, 1, 2, 2, requires_grad=True)
    SegmentationLoss(dice=1, focal=0, over=over)(logits, masks).backward()
    assert logits.grad is not None
    assert bool((logits.grad[1] > 1e-3).all()) is has_gradient


def test_the_loss_of_empty_masks_is_that_of_the_highest_hundredth_of_their_pixels() -> None:
    masks = torch.zeros(3, 1, 20, 20)
    masks[0, 0, :5, :5] = 1
    logits = torch.full((3, 1, 20, 20), -20.0)
    logits[0, 0, 10, 10] = 5.0  # beside a tumor: not counted
    logits[1, 0, 3, :4] = 2.0  # four of 400 pixels
    logits[2, 0, 7, :2] = 2.0
    logits.requires_grad_()
    loss = SegmentationLoss(dice=0, focal=0, hard_negatives=1)(logits, masks)
    high = float(torch.nn.functional.softplus(torch.tensor(2.0)))
    assert float(loss.detach()) == pytest.approx((high + high / 2) / 3, abs=1e-4)
    loss.backward()
    assert logits.grad is not None
    assert (logits.grad[0] == 0).all()
    assert int((logits.grad[1] > 0.01).sum()) == 4
    without = SegmentationLoss(dice=0, focal=0, hard_negatives=1)(logits[:1], masks[:1])
    assert float(without.detach()) == 0


def test_the_total_is_the_weighted_sum_of_its_terms() -> None:
    logits, labels = torch.tensor([[0.0, 0.0]]), torch.tensor([1])
    output = _output(logits, EVEN, torch.full((1, 1, 1, 1), 3.0), torch.zeros(1, 1, 1, 1))
    terms = MultiTaskLoss()(output, labels, ONE_OF_FOUR, torch.tensor([True]))
    mask = SegmentationLoss()
    assert float(terms.classification) == pytest.approx(LN2)
    assert float(terms.segmentation) == pytest.approx(float(mask(EVEN, ONE_OF_FOUR)))
    heads = mask(EVEN, ONE_OF_FOUR) + mask(EVEN + 3, ONE_OF_FOUR)
    assert float(terms.auxiliary) == pytest.approx(float(heads) / 2)
    assert float(terms.total) == pytest.approx(
        0.4 * float(terms.classification) + 0.6 * float(terms.segmentation) + 0.4 * float(terms.auxiliary)
    )


def test_the_weights_of_the_terms_can_be_set() -> None:
    output = _output(torch.tensor([[0.0, 0.0]]), EVEN, EVEN)
    reference = torch.tensor([0]), ONE_OF_FOUR, torch.tensor([True])
    terms = MultiTaskLoss(classification=1, segmentation=2, auxiliary=3)(output, *reference)
    assert float(terms.total) == pytest.approx(
        float(terms.classification + 2 * terms.segmentation + 3 * terms.auxiliary)
    )
    pixels = SegmentationLoss(gamma=0, alpha=0.5, dice=0, focal=1)
    assert float(MultiTaskLoss(segmentation_loss=pixels)(output, *reference).segmentation) == pytest.approx(LN2 / 2)


def test_label_smoothing_and_class_weights_are_applied_to_the_cross_entropy() -> None:
    logits, labels = torch.tensor([[2.0, 0.0], [0.5, 1.0]]), torch.tensor([0, 1])
    weights = torch.tensor([1.0, 3.0])
    terms = MultiTaskLoss(class_weights=weights, label_smoothing=0.1)(
        _output(logits, EVEN.repeat(2, 1, 1, 1)), labels, ONE_OF_FOUR.repeat(2, 1, 1, 1), torch.tensor([True, True])
    )
    expected = F.cross_entropy(logits, labels, weights, label_smoothing=0.1)
    torch.testing.assert_close(terms.classification, expected)


def test_an_image_without_a_mask_counts_in_the_cross_entropy_only() -> None:
    predicted = torch.cat([EVEN, EVEN + 5]).requires_grad_()
    masks = torch.cat([ONE_OF_FOUR, torch.full_like(ONE_OF_FOUR, 255)])  # these values must not matter
    output = _output(torch.zeros(2, 2), predicted, predicted)
    terms = MultiTaskLoss()(output, torch.tensor([0, 1]), masks, torch.tensor([True, False]))
    terms.total.backward()
    torch.testing.assert_close(terms.segmentation, SegmentationLoss()(EVEN, ONE_OF_FOUR))
    torch.testing.assert_close(terms.auxiliary, terms.segmentation)
    assert predicted.grad is not None
    assert predicted.grad[0].any()
    assert not predicted.grad[1].any()


def test_a_batch_without_any_mask_gives_every_weight_a_gradient() -> None:
    torch.manual_seed(0)
    network = create("efficient_mtnet_s", 2)
    masks = torch.zeros(2, 1, 64, 64, dtype=torch.uint8)
    terms = MultiTaskLoss()(network(torch.randn(2, 3, 64, 64)), torch.tensor([0, 1]), masks, torch.zeros(2).bool())
    assert not terms.segmentation
    assert not terms.auxiliary
    terms.total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_a_network_learns_to_segment_bright_squares() -> None:
    torch.manual_seed(0)
    network = create("efficient_mtnet_s", 2, dropout=0.0)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    masks = torch.zeros(2, 1, 64, 64)
    masks[0, :, 8:40, 8:40] = masks[1, :, 24:56, 16:56] = 1
    images = masks.expand(-1, 3, -1, -1) + 0.1 * torch.randn(2, 3, 64, 64)
    loss = MultiTaskLoss()
    totals = []
    for _ in range(12):
        terms = loss(network(images), torch.tensor([0, 1]), masks, torch.ones(2).bool())
        optimizer.zero_grad()
        terms.total.backward()
        optimizer.step()
        totals.append(terms.total.item())
    assert totals[-1] < 0.6 * totals[0]


def test_dice_of_each_image_is_that_of_the_formula() -> None:
    reference = torch.cat([ONE_OF_FOUR] * 3)
    predicted = torch.full((3, 1, 2, 2), -1.0)
    predicted[1, 0, 0] = 2.0  # the tumor pixel and a false positive
    predicted[2, 0, 0, 0] = 0.1  # the tumor pixel
    assert dice(predicted, reference).tolist() == pytest.approx([0, 2 / 3, 1])
