"""Backbones with the option stride have last maps of twice the resolution, with the same weights."""

from __future__ import annotations

import pytest
import torch

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelError
from tumorlens.models import architecture_info, cost, create, registered_names

FINE = sorted(name for name in registered_names() if "stride" in architecture_info(name).options)


def test_efficientnets_resnet50_and_their_unets_have_the_option_stride() -> None:
    plain = {f"efficientnet_{size}" for size in ("b0", "b1", "b2", "b3", "b4", "lite0", "lite1", "lite2")}
    plain.add("resnet50")
    assert set(FINE) == plain | {f"{name}_unet" for name in plain}


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_lite0", "resnet50"])
def test_a_stride_of_16_doubles_the_resolution_with_the_same_weights(name: str) -> None:
    with torch.device("meta"):
        coarse, fine = (create(name, 3, options={"stride": stride}).eval() for stride in (32, 16))
        image = torch.empty(1, 3, 224, 224)
        assert coarse(image).features.shape[2:] == (7, 7)
        assert fine(image).features.shape[2:] == (14, 14)
    shapes = [{key: value.shape for key, value in network.state_dict().items()} for network in (coarse, fine)]
    assert shapes[0] == shapes[1]
    # Only the last stage works on four times the positions.
    assert 1 < cost(name, options={"stride": 16}).multiply_adds / cost(name).multiply_adds < 2.5


def test_truncated_lite0_is_small_and_has_last_maps_at_one_sixteenth() -> None:
    short, whole = cost("efficientnet_lite0_short"), cost("efficientnet_lite0")
    assert short.parameters == pytest.approx(0.74e6, rel=0.01)
    assert short.parameters < 0.25 * whole.parameters
    assert cost("efficientnet_lite0_short_unet").parameters == pytest.approx(0.80e6, rel=0.01)
    network = create("efficientnet_lite0_short", 3).eval()
    with torch.no_grad():
        output = network(torch.randn(1, 3, 64, 96))
    assert output.features.shape == (1, 320, 4, 6)
    assert (output.features >= 0).all()  # the pooled maps come from the new layer and its activation


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet50"])
def test_the_same_weights_give_similar_features_with_dilation(name: str) -> None:
    torch.manual_seed(0)
    coarse, fine = create(name, 3).eval(), create(name, 3, options={"stride": 16}).eval()
    fine.load_state_dict(coarse.state_dict())
    image = torch.randn(1, 3, 16, 16).repeat_interleave(14, 2).repeat_interleave(14, 3)
    with torch.no_grad():
        one, two = (network(image).features.mean((0, 2, 3)) for network in (coarse, fine))
    assert torch.corrcoef(torch.stack([one, two]))[0, 1] > 0.9


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite0_unet", "resnet50", "resnet50_unet"])
@pytest.mark.parametrize("stride", [0, 8, 64])
def test_another_stride_is_refused_with_the_name_of_the_network(name: str, stride: int) -> None:
    with assert_refused(ModelError, found=f"^{name}: option stride is {stride}$", expected="^32 or 16$"):
        create(name, 3, options={"stride": stride})


@pytest.mark.parametrize("name", ["densenet121", "vgg16", "densenet121_unet"])
def test_other_backbones_have_no_option_stride(name: str) -> None:
    with assert_refused(ModelError, found=f"^{name} has no option 'stride'$"):
        create(name, 3, options={"stride": 16})
