"""LightHam: the accuracy of its matrix factorization, its cost, and self-attention for comparison."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tumorlens.models.layers.attention import AttentionMap
from tumorlens.models.layers.light_ham import LightHam, MatrixFactorization, NonLocalBlock

BOTH = [LightHam, NonLocalBlock]


def _low_rank(rank: int) -> Tensor:
    """(2, 24, 200), all at least 0."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 24, rank, generator=generator) @ torch.rand(2, rank, 200, generator=generator) ** 3


def _error(x: Tensor, rank: int, steps: int) -> float:
    return float((MatrixFactorization(24, rank, steps)(x) - x).norm() / x.norm())


@pytest.mark.parametrize("rank", [1, 3])
def test_a_matrix_of_its_rank_is_reconstructed(rank: int) -> None:
    assert _error(_low_rank(rank), rank, 300) < 0.02


def test_a_matrix_of_higher_rank_is_not_reconstructed() -> None:
    assert _error(_low_rank(8), 1, 300) > 0.1


@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e4])
def test_more_steps_never_increase_the_error_at_any_scale(scale: float) -> None:
    x = scale * torch.relu(torch.randn(2, 24, 200, generator=torch.Generator().manual_seed(1)))
    errors = [_error(x, 6, steps) for steps in (1, 2, 3, 6, 12, 50)]
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(errors))
    assert errors[-1] < 0.95 * errors[0]


def test_the_output_is_not_negative() -> None:
    assert MatrixFactorization(24, 6)(_low_rank(8)).min() >= 0


def test_a_black_image_gives_zeros_and_finite_gradients() -> None:
    x = torch.zeros(1, 24, 50, requires_grad=True)
    out = MatrixFactorization(24, 6)(x)
    out.sum().backward()
    assert not out.any()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_each_image_of_a_batch_is_factorized_separately() -> None:
    x, ham = _low_rank(8), MatrixFactorization(24, 6)
    torch.testing.assert_close(ham(x)[1:], ham(x[1:]))


def test_gradients_flow_through_the_last_step_only() -> None:
    def nodes(steps: int) -> int:
        """Operations that autograd remembers."""
        out = MatrixFactorization(24, 6, steps)(_low_rank(8).requires_grad_())
        seen, waiting = set(), [out.grad_fn]
        while waiting:
            if (node := waiting.pop()) is not None and node not in seen:
                seen.add(node)
                waiting += [before for before, _ in node.next_functions]
        return len(seen)

    assert nodes(1) == nodes(20)


def test_the_same_weights_give_bit_identical_outputs() -> None:
    x = torch.randn(1, 16, 9, 9)
    one, other = LightHam(16, 4).eval(), LightHam(16, 4).eval()
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))


@pytest.mark.parametrize("kind", BOTH)
def test_the_module_is_residual(kind: type[nn.Module]) -> None:
    module, x = kind(16), torch.randn(2, 16, 5, 7)
    nn.init.zeros_(module.upper[1].weight)
    torch.testing.assert_close(module(x), x)


@pytest.mark.parametrize("kind", BOTH)
def test_every_position_affects_every_other(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    module, x = kind(16).eval(), torch.randn(1, 16, 6, 6)
    changed_input = x.clone()
    changed_input[..., 0, 0] += 1
    with torch.no_grad():
        changed = (module(changed_input) - module(x)).abs().amax(1)[0]
    assert (changed > 0).all()


@pytest.mark.parametrize("kind", BOTH)
def test_the_output_in_bfloat16_is_finite_and_close(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    module, x = kind(16), torch.randn(2, 16, 20, 20, requires_grad=True)
    exact = module(x)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = module(x)
    assert (rounded.float() - exact).norm() < 0.05 * exact.norm()
    rounded.float().square().mean().backward()
    assert x.grad is not None
    assert all(p.grad is not None and p.grad.isfinite().all() for p in [x, *module.parameters()])


def test_the_attention_map_has_mean_one() -> None:
    module, maps = NonLocalBlock(16), []
    assert isinstance(module.map, AttentionMap)
    module.map.register_forward_hook(lambda _, __, out: maps.append(out))
    module(torch.randn(2, 16, 5, 7))
    assert maps[0].shape == (2, 1, 5, 7)
    torch.testing.assert_close(maps[0].mean((1, 2, 3)), torch.ones(2))


def _multiply_adds(kind: type[nn.Module], side: int) -> int:
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        kind(128).eval()(torch.empty(1, 128, side, side))
    return counter.get_total_flops() // 2


def test_its_cost_grows_with_the_positions_and_that_of_attention_with_their_square() -> None:
    light = [_multiply_adds(LightHam, side) for side in (40, 80, 160)]
    attention = [_multiply_adds(NonLocalBlock, side) for side in (40, 80, 160)]
    assert light[1] / light[0] == pytest.approx(4, rel=0.02)
    assert light[2] / light[1] == pytest.approx(4, rel=0.02)
    assert attention[2] / attention[1] == pytest.approx(16, rel=0.05)
    assert attention[1] > 7 * light[1]  # at 80 x 80, which EfficientMTNet has
