"""The U-Nets predict a mask besides the classes of the plain classifier, at less than the cost of the backbone."""

from __future__ import annotations

import pytest
import torch

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelError
from tumorlens.models import Network, architecture_info, cost, create, registered_names
from tumorlens.training.loop.losses import SegmentationLoss, dice

LITE = "efficientnet_lite0_unet"
UNETS = [name for name in registered_names() if name.endswith("_unet")]
# One for each way in which a backbone returns its intermediate maps.
KINDS = [LITE, "resnet50_unet", "densenet121_unet", "vgg16_unet"]


def _seeded(name: str = LITE, **options: int | str) -> Network:
    torch.manual_seed(0)
    return create(name, 3, options=options)


def test_every_classifier_with_imagenet_weights_has_a_unet_with_the_same_input() -> None:
    plain = {
        name
        for name in registered_names()
        if architecture_info(name).weights and not name.endswith(("_transformer", "_unet"))
    }
    assert len(plain) == 12
    assert {f"{name}_unet" for name in plain} == set(UNETS)
    for name in plain:
        base, ours = architecture_info(name), architecture_info(f"{name}_unet")
        assert (ours.input_size, ours.mean, ours.std, ours.weights) == (
            base.input_size,
            base.mean,
            base.std,
            base.weights,
        )
        assert ours.segments
        assert ours.options == {**base.options, "decoder": 16, "pool": "mean"}


@pytest.mark.parametrize("name", KINDS)
def test_its_class_scores_are_exactly_those_of_the_classifier(name: str) -> None:
    ours, plain = _seeded(name).eval(), create(name.removesuffix("_unet"), 3).eval()
    state = ours.state_dict()
    plain.load_state_dict({key: state[key] for key in plain.state_dict()})
    assert {key.split(".")[0] for key in state.keys() - plain.state_dict().keys()} == {"decoder"}
    image = torch.randn(1, 3, 65, 97)
    with torch.no_grad():
        mine, theirs = ours(image), plain(image)
    assert torch.equal(mine.logits, theirs.logits)
    assert torch.equal(mine.features, theirs.features)
    assert ours.classifier_weights() is ours.head.weight


@pytest.mark.parametrize("name", KINDS)
def test_the_decoder_costs_less_than_half_of_the_backbone(name: str) -> None:
    ours, plain = cost(name, input_size=224), cost(name.removesuffix("_unet"), input_size=224)
    assert 1.0 < ours.multiply_adds / plain.multiply_adds < 1.4
    assert ours.parameters - plain.parameters < 0.65e6


def test_lite0_with_its_decoder_has_the_documented_size() -> None:
    plain = cost("efficientnet_lite0")
    assert cost(LITE).parameters - plain.parameters == pytest.approx(0.27e6, rel=0.02)
    assert cost(LITE).multiply_adds - plain.multiply_adds == pytest.approx(133e6, rel=0.01)
    assert cost(LITE, options={"decoder": 8}).multiply_adds < cost(LITE).multiply_adds


@pytest.mark.parametrize("name", KINDS)
def test_the_decoder_uses_maps_of_every_size_from_half_the_input_down(name: str) -> None:
    network, shapes = _seeded(name).eval(), []
    for block in network.decoder.joins:
        block.register_forward_hook(lambda _, inputs, out: shapes.append((inputs[0].shape[2:], out.shape[1:])))
    with torch.no_grad():
        network(torch.randn(1, 3, 64, 96))
    assert shapes == [
        ((2, 3), (128, 4, 6)),
        ((4, 6), (64, 8, 12)),
        ((8, 12), (32, 16, 24)),
        ((16, 24), (16, 32, 48)),
    ]


@pytest.mark.parametrize("name", KINDS)
def test_both_losses_train_the_backbone(name: str) -> None:
    own = {"logits": "head", "mask": "decoder"}
    for output, module in own.items():
        network = _seeded(name)
        getattr(network(torch.randn(2, 3, 64, 64)), output).square().mean().backward()
        with_gradient = {
            key.split(".")[0] for key, p in network.named_parameters() if p.grad is not None and p.grad.any()
        }
        assert with_gradient == {"backbone", module}


@pytest.mark.parametrize("stride", [32, 16])
def test_its_maps_have_the_chosen_stride_and_its_mask_the_size_of_the_image(stride: int) -> None:
    network = _seeded(stride=stride).train()
    output = network(torch.randn(1, 3, 65, 97))
    assert output.features.shape[2:] == (-(-65 // stride), -(-97 // stride))
    assert output.mask is not None
    assert output.mask.shape == (1, 1, 65, 97)
    maps: list[torch.Tensor] = []
    network.segmentation_target_layer().register_forward_hook(lambda _, __, out: maps.append(out))
    network.eval()(torch.randn(1, 3, 64, 96))
    assert maps[0].shape[2:] == (4, 6)


def test_before_training_it_segments_almost_nothing() -> None:
    with torch.no_grad():
        mask = _seeded().eval()(torch.randn(2, 3, 96, 96)).mask
    assert mask is not None
    assert 0.005 < torch.sigmoid(mask).mean() < 0.05


def test_it_learns_to_segment_bright_squares() -> None:
    torch.manual_seed(0)
    network = create(LITE, 2, channels=1).train()
    masks = torch.zeros(4, 1, 64, 64)
    for mask, (row, column) in zip(masks, torch.randint(8, 40, (4, 2)).tolist(), strict=True):
        mask[:, row : row + 16, column : column + 16] = 1
    images, loss = masks + 0.3 * torch.randn_like(masks), SegmentationLoss(0.5, 0.5, 0.5, 0.0)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    predicted = torch.zeros(())
    for _ in range(15):
        optimizer.zero_grad()
        output = network(images)
        assert output.mask is not None
        predicted = output.mask
        loss(predicted, masks).backward()
        optimizer.step()
    assert dice(predicted.detach(), masks).mean() > 0.8


@pytest.mark.parametrize("width", [3, 129])
def test_a_decoder_that_is_too_narrow_or_too_wide_is_refused(width: int) -> None:
    with assert_refused(ModelError, found=f"option decoder is {width}", expected="4 to 128 channels"):
        _seeded(decoder=width)


def _predicting(network: Network, logits: torch.Tensor) -> Network:
    """The network, patched to predict these mask logits."""
    network.decoder.forward = lambda scales: logits
    return network.eval()


def test_with_pool_mask_the_predicted_mask_weights_the_pooling() -> None:
    network = _predicting(_seeded(pool="mask"), torch.full((1, 1, 32, 32), -9.0))
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        empty, plain = network(image), _seeded().eval()(image)
        torch.testing.assert_close(empty.features.mean((2, 3)), plain.features.mean((2, 3)))  # equal weights
        logits = torch.full((1, 1, 32, 32), -20.0)
        logits[..., :16, :16] = 20.0
        corner = _predicting(network, logits)(image)
    assert corner.features.shape[2:] == (8, 8)
    torch.testing.assert_close(corner.pooled, plain.pooled)  # unweighted, whatever the mask
    # The classifier gets the mean of the upsampled maps over the corner; the rest has a small weight.
    upsampled = torch.nn.functional.interpolate(plain.features, size=(8, 8), mode="bilinear", align_corners=False)
    torch.testing.assert_close(corner.features.mean((2, 3)), upsampled[..., :4, :4].mean((2, 3)), rtol=0.05, atol=0.02)
    weights = network.classifier_weights()
    assert weights is not None
    maps = torch.einsum("kc,nchw->nkhw", weights, corner.features)
    torch.testing.assert_close(maps.mean((2, 3)) + network.head.bias, corner.logits)
    assert maps[..., :4, :4].abs().sum() / maps.abs().sum() > 0.9


def test_with_pool_mask_the_class_scores_do_not_train_the_decoder() -> None:
    network = _seeded(pool="mask")
    network(torch.randn(2, 3, 64, 64)).logits.sum().backward()
    assert all(weight.grad is None for weight in network.decoder.parameters())
    assert network.head.weight.grad is not None


@pytest.mark.parametrize("size", [(64, 64), (65, 97)])
def test_with_pool_mask_class_scores_and_gradients_are_those_of_the_weighted_maps(size: tuple[int, int]) -> None:
    network = _seeded(pool="mask").train()
    network.dropout.p = 0.0
    output = network(torch.randn(2, 3, *size))
    expected = network.head(output.features.mean((2, 3)))
    expected_gradient = torch.autograd.grad(
        expected.square().sum(), network.backbone.conv_head.weight, retain_graph=True
    )[0]
    gradient = torch.autograd.grad(output.logits.square().sum(), network.backbone.conv_head.weight)[0]
    torch.testing.assert_close(output.logits, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-3, atol=1e-5)


def test_with_pool_mask_the_gradient_of_a_class_score_reaches_the_weighted_maps() -> None:
    network = _seeded(pool="mask").eval()
    output = network(torch.randn(2, 3, 64, 64))
    gradient = torch.autograd.grad(output.logits[:, 1].sum(), output.features)[0]
    positions = output.features.shape[2] * output.features.shape[3]
    torch.testing.assert_close(gradient[0, :, 3, 5] * positions, network.head.weight[1])


def test_an_unknown_pooling_is_refused() -> None:
    with assert_refused(ModelError, found="lite0_unet: option pool is 'max'", expected=r"one of \['mean', 'mask'\]"):
        create(LITE, 3, options={"pool": "max"})
