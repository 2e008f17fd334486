"""EfficientMTNet: its size, its mask, its auxiliary heads and its options."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from tests.fixtures.refusal import assert_refused
from tumorlens.deploy.onnx_trace import trace
from tumorlens.errors import ModelError
from tumorlens.models import ModelSpec, Network, Preprocessing, architecture_info, attention_maps, cost, create
from tumorlens.scan import InputGeometry

KINDS = ["light", "attention", "none"]


def _seeded(**options: bool | int | str) -> Network:
    torch.manual_seed(0)
    return create("efficient_mtnet_s", 3, options=options)


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"), [("efficient_mtnet", 4.0e6, 3.2e9), ("efficient_mtnet_s", 1.38e6, None)]
)
def test_it_has_the_size_that_the_authors_report(name: str, parameters: float, multiply_adds: float | None) -> None:
    counted = cost(name, 2)
    assert counted.input_size == 640
    assert counted.parameters == pytest.approx(parameters, rel=0.05)
    if multiply_adds:
        assert counted.multiply_adds == pytest.approx(multiply_adds, rel=0.05)


def test_self_attention_costs_four_times_as_much() -> None:
    assert (
        cost("efficient_mtnet", 2, options={"ham": "attention"}).multiply_adds
        > 4 * cost("efficient_mtnet").multiply_adds
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(64, 64), (65, 65), (97, 130)])
def test_the_mask_has_the_size_of_the_image(kind: str, size: tuple[int, int]) -> None:
    network = _seeded(ham=kind)
    output = network.train()(torch.randn(1, 3, *size))
    assert output.mask is not None
    assert output.mask.shape == (1, 1, *size)
    assert output.features.shape == (1, 128, *(-(-side // 32) for side in size))
    assert [a.shape[1] for a in output.auxiliary] == [1, 1]


def test_auxiliary_heads_work_in_training_only_and_do_not_count_as_cost() -> None:
    network = _seeded()
    image = torch.randn(2, 3, 64, 64)
    assert [a.shape for a in network.train()(image).auxiliary] == [(2, 1, 4, 4), (2, 1, 2, 2)]
    assert network.eval()(image).auxiliary == ()
    auxiliary = sum(p.numel() for module in network.training_only() for p in module.parameters())
    assert auxiliary > 0
    assert cost("efficient_mtnet_s", 3).parameters == sum(p.numel() for p in network.parameters()) - auxiliary


def test_auxiliary_heads_can_be_left_out() -> None:
    network = _seeded(auxiliary=False)
    assert network.train()(torch.randn(2, 3, 64, 64)).auxiliary == ()
    assert cost("efficient_mtnet_s", 3).parameters == sum(p.numel() for p in network.parameters())


def test_both_branches_train_the_shared_stages() -> None:
    for output in ("logits", "mask"):
        network = _seeded()
        getattr(network(torch.randn(2, 3, 64, 64)), output).square().mean().backward()
        with_gradient = {
            key.split(".")[0] for key, p in network.named_parameters() if p.grad is not None and p.grad.any()
        }
        own = {"logits": "classify", "mask": "segment"}
        assert {"downsample", "stages", own.pop(output)} <= with_gradient
        assert own.popitem()[1] not in with_gradient


@pytest.mark.parametrize("kind", KINDS)
def test_mixed_precision_stays_finite(kind: str) -> None:
    network = _seeded(ham=kind)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(torch.randn(2, 3, 96, 96))
    for part in (output.logits, output.mask, *output.auxiliary):
        assert part is not None
        assert part.isfinite().all()


def test_the_gate_of_the_detail_is_an_attention_map_and_self_attention_adds_two() -> None:
    image = torch.randn(1, 3, 96, 64)
    share = attention_maps(_seeded().eval(), image)
    assert {name: tuple(values.shape) for name, values in share.items()} == {"fusion.share": (1, 12, 8)}
    assert ((share["fusion.share"] > 0) & (share["fusion.share"] < 1)).all()
    assert set(attention_maps(_seeded(ham="attention").eval(), image)) == {
        "neck.ham.map",
        "fusion.share",
        "deepest.map",
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"ham": "heavy"}, "'light', 'attention' or 'none'"), ({"rank": 0}, "at least 1"), ({"steps": 0}, "at least 1")],
)
def test_an_option_out_of_range_is_refused(options: dict[str, int | str], expected: str) -> None:
    with assert_refused(ModelError, found=f"option {next(iter(options))} is ", expected=expected):
        _seeded(**options)


class _Both(nn.Module):
    """Images -> probabilities of classes and of pixels."""

    def __init__(self, preprocessing: Preprocessing, network: Network) -> None:
        super().__init__()
        self.preprocessing, self.network = preprocessing, network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        output = self.network(self.preprocessing(image))
        assert output.mask is not None
        return torch.softmax(output.logits, 1), torch.sigmoid(output.mask)


@pytest.mark.slow  # tracing takes ten seconds
def test_an_exported_graph_predicts_the_same_mask_for_images_of_any_size(tmp_path: Path) -> None:
    info = architecture_info("efficient_mtnet_s")
    spec = ModelSpec(info.name, ("a", "b", "c"), 3, InputGeometry(97), info.mean, info.std)
    both = _Both(spec.preprocessing(), _seeded())
    generator = torch.Generator().manual_seed(0)
    for module in both.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():  # statistics of such images, so that the outputs differ between them
        both(torch.randint(0, 256, (4, 90, 120), dtype=torch.uint8, generator=generator))
    both.eval()
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("height", min=2), 2: torch.export.Dim("width", min=2)}
    example = torch.zeros(2, 300, 200, dtype=torch.uint8)
    program = trace(both, example, "image", ["probabilities", "mask"], {"image": sizes})
    program.save(tmp_path / "graph.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "graph.onnx", providers=["CPUExecutionProvider"])
    for shape in ((1, 224, 224), (3, 90, 301), (2, 17, 19)):
        images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        with torch.no_grad():
            expected = both(images)
        assert expected[1].std() > 1e-3
        for exported, predicted in zip(session.run(None, {"image": images.numpy()}), expected, strict=True):
            torch.testing.assert_close(torch.from_numpy(exported), predicted, atol=1e-4, rtol=0)
