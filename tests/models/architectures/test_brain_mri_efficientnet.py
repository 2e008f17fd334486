"""BrainMRIEfficientNet: its size, its compound scaling, and the effect of each option."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelError
from tumorlens.models import Cost, Network, attention_maps, attention_names, cost, create
from tumorlens.models.architectures.brain_mri_efficientnet import (
    STAGES,
    Bottleneck,
    CompoundScale,
    compound_scale,
    input_size_of,
)

NAME = "brain_mri_efficientnet"


def network(**options: bool | int | str) -> Network:
    torch.manual_seed(0)
    return create(NAME, 2, dropout=0.0, options=options)


@pytest.mark.parametrize("classes", [2, 4])
def test_it_has_the_size_that_its_authors_report(classes: int) -> None:
    assert cost(NAME, classes).parameters == pytest.approx(5.6e6, rel=0.005)


def test_depth_width_and_resolution_grow_together() -> None:
    def at(phi: int, size: int | None = None) -> Cost:
        return cost(NAME, 2, options={"phi": phi}, input_size=size or input_size_of(phi))

    assert [input_size_of(phi) for phi in (0, 1, 2)] == [224, 256, 288]
    small, middle, large = at(0), at(1), at(2)
    assert small.parameters < middle.parameters < large.parameters
    # The coefficients aim at two to the power of phi; rounding to whole blocks and pixels changes it.
    assert middle.multiply_adds == pytest.approx(2 * small.multiply_adds, rel=0.25)
    assert large.multiply_adds == pytest.approx(4 * small.multiply_adds, rel=0.25)
    assert at(1, size=224).multiply_adds > 1.5 * small.multiply_adds
    assert [sum(isinstance(m, Bottleneck) for m in network(phi=phi).modules()) for phi in (0, 1, 2)] == [16, 23, 26]


def test_the_coefficients_can_be_changed() -> None:
    assert compound_scale(2).depth == pytest.approx(1.44)
    assert compound_scale(2, depth=2.0, width=1.5, resolution=1.0) == CompoundScale(4.0, 2.25, 1.0)


def test_dilation_changes_the_kernels_of_the_middle_stages_at_no_cost() -> None:
    plain = cost(NAME, 2, options={"dilation": False})
    assert plain == cost(NAME, 2)
    dilated = [m for m in network().modules() if isinstance(m, nn.Conv2d) and m.dilation == (2, 2)]
    assert len(dilated) == sum(stage.blocks - 1 for stage in STAGES if stage.dilation == 2) == 5
    assert all(m.stride == (1, 1) for m in dilated)
    assert not any(isinstance(m, nn.Conv2d) and m.dilation != (1, 1) for m in network(dilation=False).modules())


def test_dilation_widens_the_receptive_field() -> None:
    def receptive_field(dilation: bool) -> int:
        """Number of pixels of a row that reach the center of the last dilated stage."""
        # Without attention, which uses the whole map.
        net = network(dilation=dilation, squeeze=False, spatial_attention=False).eval()
        image = torch.randn(1, 3, 32, 1024, requires_grad=True)
        maps = net.stages[:5](net.stem(image))
        maps[0, :, 1, 32].sum().backward()
        assert image.grad is not None
        return int((image.grad[0].abs().sum((0, 1)) > 0).sum())

    assert receptive_field(True) > 1.4 * receptive_field(False)


def test_attention_can_be_switched_off() -> None:
    full = cost(NAME, 2).parameters
    assert cost(NAME, 2, options={"squeeze": False}).parameters < 0.9 * full
    assert cost(NAME, 2, options={"spatial_attention": False}).parameters == full - 16 * (2 * 49 + 1)
    assert attention_names(network(spatial_attention=False)) == []


def test_every_block_has_an_attention_map() -> None:
    net = network().eval()
    names = attention_names(net)
    assert len(names) == 16
    maps = attention_maps(net, torch.randn(2, 3, 96, 96))
    assert maps["stages.0.0.spatial.map"].shape == (2, 48, 48)
    assert maps["stages.6.0.spatial.map"].shape == (2, 3, 3)
    assert all(((m > 0) & (m < 1)).all() for m in maps.values())


def test_with_group_norm_the_output_of_an_image_does_not_depend_on_its_batch() -> None:
    images = torch.randn(3, 3, 64, 64)

    def alone_and_together(net: Network) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            return net.train()(images[:1]).logits[0], net(images).logits[0]

    torch.testing.assert_close(*alone_and_together(network(norm="group")), atol=1e-5, rtol=1e-4)
    alone, together = alone_and_together(network(norm="batch"))
    assert not torch.allclose(alone, together, atol=1e-3)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network(norm="group").modules())


def test_with_group_norm_it_trains_on_a_single_small_image() -> None:
    # 32 pixels leave a single position, so batch norm has nothing to average.
    network(norm="group").train()(torch.randn(1, 3, 32, 32)).logits.sum().backward()
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        network(norm="batch").train()(torch.randn(1, 3, 32, 32))


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"phi": -1}, {"found": "option phi is -1", "expected": "0 to 7"}),
        ({"phi": 8}, {"found": "option phi is 8", "expected": "0 to 7"}),
        ({"norm": "layer"}, {"found": "option norm is 'layer'", "expected": "'batch' or 'group'"}),
        ({"dilate": True}, {"advice": "did you mean dilation"}),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, bool | int | str], fields: dict[str, str]) -> None:
    with assert_refused(ModelError, **fields):
        network(**options)
