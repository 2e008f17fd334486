"""EfficientNet with a transformer: its head has the published layout, and its attention map can be read."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelError
from tumorlens.models import Network, architecture_info, attention_maps, cost, create, registered_names
from tumorlens.models.architectures.efficientnet_transformer import MultiHeadSelfAttention

NAME = "efficientnet_b0_transformer"


def network(**options: bool) -> Network:
    torch.manual_seed(0)
    return create(NAME, 3, options=options).eval()


def test_every_efficientnet_has_a_transformer() -> None:
    plain = {name for name in registered_names() if name.startswith("efficientnet_") and name.count("_") == 1}
    assert len(plain) == 8
    for name in plain:
        info, base = architecture_info(f"{name}_transformer"), architecture_info(name)
        assert info.input_size == 240
        assert (info.mean, info.std, info.weights) == (base.mean, base.std, base.weights)


def test_the_head_has_the_published_size() -> None:
    per_token = (1280 * 256 + 256) + 1000 * 256  # 1x1 convolution, positions
    attention = 3 * (256 * 32 + 32) + (32 * 256 + 256)  # two heads of sixteen, and back
    rest = (256 * 64 + 64) + (64 * 256 + 256) + 4 * 256  # feed-forward, two norms
    classifier, plain = 3 * 256 + 3, 3 * 1280 + 3
    added = cost(NAME, 3).parameters - (cost("efficientnet_b0", 3).parameters - plain)
    assert added == per_token + attention + rest + classifier


def test_the_option_cbam_adds_an_attention_map() -> None:
    with_it = network(cbam=True)
    extra = sum(p.numel() for p in with_it.parameters()) - sum(p.numel() for p in network().parameters())
    assert extra == 2 * 1280 * 160 + 160 + 1280 + 2 * 49 + 1
    maps = attention_maps(with_it, torch.randn(1, 3, 96, 96))
    assert list(maps) == ["cbam.1.map", "encoder.attention.map"]


def test_the_attention_map_sums_to_one() -> None:
    maps = attention_maps(network(), torch.randn(2, 3, 96, 128))["encoder.attention.map"]
    assert maps.shape == (2, 3, 4)
    assert (maps > 0).all()
    torch.testing.assert_close(maps.sum((1, 2)), torch.ones(2))
    assert not torch.equal(maps[0], maps[1])


def test_its_attention_is_scaled_dot_product_attention_and_its_map_the_attention_on_each_position() -> None:
    torch.manual_seed(0)
    layer, tokens = MultiHeadSelfAttention(), 3 * torch.randn(2, 6, 256)
    maps: list[torch.Tensor] = []
    layer.map.register_forward_hook(lambda _, __, out: maps.append(out))
    query, key, value = (f(tokens).view(2, 6, 2, 16).transpose(1, 2) for f in (layer.query, layer.key, layer.value))
    with torch.no_grad():
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(2, 6, 32)
        torch.testing.assert_close(layer(tokens, 2, 3), layer.out(mixed))
        # Attention with the identity for values gives its weights.
        weights = F.scaled_dot_product_attention(query, key, torch.eye(6).expand(2, 2, 6, 6))
    torch.testing.assert_close(maps[0], weights.mean((1, 2)).view(2, 1, 2, 3))


def test_the_order_of_tokens_matters() -> None:
    net = network()
    # Without positions, the mean over tokens does not depend on their order.
    with torch.no_grad():
        tokens = torch.randn(1, 16, 256)
        in_order, reversed_order = (net.encoder(t + net.positions[:16], 4, 4).mean(1) for t in (tokens, tokens.flip(1)))
        same = [net.encoder(t, 4, 4).mean(1) for t in (tokens, tokens.flip(1))]
    torch.testing.assert_close(*same)
    assert not torch.allclose(in_order, reversed_order, atol=1e-4)


def test_more_tokens_than_positions_are_refused() -> None:
    with torch.device("meta"):
        net = create(NAME, 3).eval()
        assert net(torch.empty(1, 3, 992, 992)).logits.shape == (1, 3)
        with assert_refused(
            ModelError, found="1024 x 1024 pixels makes 1024 tokens", expected="at most 1000", advice=".* 992"
        ):
            net(torch.empty(1, 3, 1024, 1024))
