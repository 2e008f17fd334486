"""Every registered model passes the same tests; a new one is tested for free."""

from __future__ import annotations

import pytest
import torch

from tumorlens.errors import ModelError
from tumorlens.models import Network, card, cost, create, names

# The big ones are B0 and Lite0 with more of the same layers: where that suffices, the small ones stand for them.
BIG = {f"efficientnet_b{i}" for i in range(1, 5)} | {f"efficientnet_lite{i}" for i in (1, 2)}
SMALL = [name for name in names() if name not in BIG]


def _seeded(name: str, channels: int = 3) -> Network:
    torch.manual_seed(0)
    return create(name, 3, channels=channels)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("channels", [1, 3])
def test_answers_pictures_of_odd_size_one_at_a_time(name: str, channels: int) -> None:
    network = _seeded(name, channels).eval()
    with torch.no_grad():
        output = network(torch.randn(1, channels, 65, 65))
    assert output.logits.shape == (1, 3)
    assert output.logits.isfinite().all()
    assert output.features.ndim == 4


@pytest.mark.parametrize("name", SMALL)
def test_every_weight_learns(name: str) -> None:
    network = _seeded(name)
    network(torch.randn(4, 3, 64, 64)).logits.square().sum().backward()
    still = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not still


@pytest.mark.parametrize("name", SMALL)
def test_the_same_seed_gives_the_same_bits_and_they_survive_saving(name: str) -> None:
    one, two, other = _seeded(name).eval(), _seeded(name).eval(), create(name, 3).eval()
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    other.load_state_dict(one.state_dict())
    picture = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(other(picture).logits, one(picture).logits)


@pytest.mark.parametrize("name", SMALL)
def test_the_class_activation_map_averages_to_the_logit(name: str) -> None:
    network = _seeded(name).eval()
    weights = network.class_weights()
    if weights is None:
        pytest.skip(f"{name} is not pooling + linear, so its Grad-CAM needs a backward pass")
    with torch.no_grad():
        output = network(torch.randn(2, 3, 96, 96))
        maps = torch.einsum("kc,nchw->nkhw", weights, output.features)
        bias = output.logits - maps.mean((2, 3))
    torch.testing.assert_close(bias[0], bias[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", names())
def test_has_a_card_with_licence_and_citation(name: str) -> None:
    known = card(name)
    assert known.name == name
    assert known.licence
    assert known.citation
    assert len(known.mean) == len(known.std) == 3


def test_brainmrnet_has_exactly_the_published_number_of_parameters() -> None:
    assert cost("brainmrnet", 2).parameters == 550_016


def test_brainmrnet_cannot_learn_from_a_single_picture() -> None:
    # Its dense layers are batch-normalised; recipes therefore ask for batches of at least two.
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        _seeded("brainmrnet").train()(torch.randn(1, 3, 64, 64))


def test_efficientnet_b0_has_the_size_of_the_paper() -> None:
    full = cost("efficientnet_b0", 1000)
    assert full.parameters == pytest.approx(5.3e6, rel=0.01)
    assert full.multiply_adds == pytest.approx(0.39e9, rel=0.02)
    assert cost("efficientnet_b0", 2).parameters == pytest.approx(4.01e6, rel=0.001)


def test_a_misspelt_name_gets_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean efficientnet_lite0"):
        create("eficientnet_lite0", 3)


@pytest.mark.parametrize(("classes", "channels"), [(1, 3), (3, 2)])
def test_one_class_or_two_channels_make_no_model(classes: int, channels: int) -> None:
    with pytest.raises(ModelError, match="expected"):
        create("mini_resnet", classes, channels=channels)
