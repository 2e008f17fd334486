"""LightHam: what its factorisation reaches, what it costs, and self-attention beside it."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tumorlens.models.layers.attention import AttentionMap
from tumorlens.models.layers.light_ham import Factorisation, LightHam, SelfAttention

BOTH = [LightHam, SelfAttention]


def _low_rank(rank: int) -> Tensor:
    """(2, 24, 200), all at least 0."""
    draw = torch.Generator().manual_seed(0)
    return torch.rand(2, 24, rank, generator=draw) @ torch.rand(2, rank, 200, generator=draw) ** 3


def _error(x: Tensor, rank: int, steps: int) -> float:
    return float((Factorisation(24, rank, steps)(x) - x).norm() / x.norm())


@pytest.mark.parametrize("rank", [1, 3])
def test_rebuilds_what_has_its_rank(rank: int) -> None:
    assert _error(_low_rank(rank), rank, 300) < 0.02


def test_cannot_rebuild_what_has_a_higher_rank() -> None:
    assert _error(_low_rank(8), 1, 300) > 0.1


@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e4])
def test_another_step_is_never_worse_at_any_scale(scale: float) -> None:
    x = scale * torch.relu(torch.randn(2, 24, 200, generator=torch.Generator().manual_seed(1)))
    errors = [_error(x, 6, steps) for steps in (1, 2, 3, 6, 12, 50)]
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(errors))
    assert errors[-1] < 0.95 * errors[0]


def test_what_comes_out_is_not_negative() -> None:
    assert Factorisation(24, 6)(_low_rank(8)).min() >= 0


def test_an_empty_image_gives_an_empty_answer_and_finite_gradients() -> None:
    x = torch.zeros(1, 24, 50, requires_grad=True)
    out = Factorisation(24, 6)(x)
    out.sum().backward()
    assert not out.any()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_a_image_is_factorised_by_itself() -> None:
    x, ham = _low_rank(8), Factorisation(24, 6)
    torch.testing.assert_close(ham(x)[1:], ham(x[1:]))


def test_gradients_pass_the_last_step_alone() -> None:
    def nodes(steps: int) -> int:
        """Operations that autograd remembers."""
        out = Factorisation(24, 6, steps)(_low_rank(8).requires_grad_())
        seen, waiting = set(), [out.grad_fn]
        while waiting:
            if (node := waiting.pop()) is not None and node not in seen:
                seen.add(node)
                waiting += [before for before, _ in node.next_functions]
        return len(seen)

    assert nodes(1) == nodes(20)


def test_two_of_the_same_weights_give_the_same_bits() -> None:
    x = torch.randn(1, 16, 9, 9)
    one, other = LightHam(16, 4).eval(), LightHam(16, 4).eval()
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))


@pytest.mark.parametrize("kind", BOTH)
def test_adds_to_its_input(kind: type[nn.Module]) -> None:
    module, x = kind(16), torch.randn(2, 16, 5, 7)
    nn.init.zeros_(module.upper[1].weight)
    torch.testing.assert_close(module(x), x)


@pytest.mark.parametrize("kind", BOTH)
def test_every_place_hears_of_every_other(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    module, x = kind(16).eval(), torch.randn(1, 16, 6, 6)
    nudged = x.clone()
    nudged[..., 0, 0] += 1
    with torch.no_grad():
        changed = (module(nudged) - module(x)).abs().amax(1)[0]
    assert (changed > 0).all()


@pytest.mark.parametrize("kind", BOTH)
def test_stays_finite_and_close_in_bfloat16(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    module, x = kind(16), torch.randn(2, 16, 20, 20, requires_grad=True)
    exact = module(x)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = module(x)
    assert (rounded.float() - exact).norm() < 0.05 * exact.norm()
    rounded.float().square().mean().backward()
    assert x.grad is not None
    assert all(p.grad is not None and p.grad.isfinite().all() for p in [x, *module.parameters()])


def test_attention_weights_of_the_map_are_shared_out_among_all_places() -> None:
    module, seen = SelfAttention(16), []
    assert isinstance(module.map, AttentionMap)
    module.map.register_forward_hook(lambda _, __, out: seen.append(out))
    module(torch.randn(2, 16, 5, 7))
    assert seen[0].shape == (2, 1, 5, 7)
    torch.testing.assert_close(seen[0].mean((1, 2, 3)), torch.ones(2))


def _multiply_adds(kind: type[nn.Module], side: int) -> int:
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        kind(128).eval()(torch.empty(1, 128, side, side))
    return counter.get_total_flops() // 2


def test_its_cost_grows_with_the_places_and_that_of_attention_with_their_square() -> None:
    light = [_multiply_adds(LightHam, side) for side in (40, 80, 160)]
    attention = [_multiply_adds(SelfAttention, side) for side in (40, 80, 160)]
    assert light[1] / light[0] == pytest.approx(4, rel=0.02)
    assert light[2] / light[1] == pytest.approx(4, rel=0.02)
    assert attention[2] / attention[1] == pytest.approx(16, rel=0.05)
    assert attention[1] > 7 * light[1]  # at 80 x 80, which EfficientMTNet has
