"""Every network of the registry passes the same tests, and a new file adds a network."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import onnxruntime
import pytest
import timm
import torch
from safetensors.torch import load, save
from torch import Tensor

from tests.fixtures.refusal import assert_refused
from tumorlens.deploy.export import _trace
from tumorlens.errors import ModelError
from tumorlens.explanation import grad_cam
from tumorlens.models import (
    ModelOutput,
    ModelSpec,
    Network,
    Pipeline,
    architecture_info,
    architectures,
    attention_maps,
    cost,
    create,
    registered_names,
    registry,
)
from tumorlens.scan import InputGeometry

# The large ones are B0 and Lite0 with more of the same layers; transformers and U-Nets differ only in the backbone.
# Most tests use the small ones instead.
HEADS = ("", "_transformer", "_unet")
BIG = {f"efficientnet_{size}{i}{head}" for size in ("b", "lite") for i in range(1, 5) for head in HEADS}
OTHERS = {f"{name}_unet" for name in ("efficientnet_b0", "vgg16", "resnet50", "densenet121")}
SMALL = [name for name in registered_names() if name not in BIG | OTHERS | {"efficientnet_lite0_transformer"}]
# Options other than the defaults.
VARIANTS = [
    ("brain_mri_efficientnet", {"norm": "group"}),
    ("brain_mri_efficientnet", {"dilation": False, "squeeze": False, "spatial_attention": False}),
    ("efficientnet_b0_transformer", {"cbam": True}),
    ("efficientnet_lite0_unet", {"stride": 16}),
]
ALL_KINDS = [pytest.param(name, {}, id=name) for name in SMALL] + [
    pytest.param(name, options, id="-".join([name, *options])) for name, options in VARIANTS
]
every_kind = pytest.mark.parametrize(("name", "options"), ALL_KINDS)

Options = dict[str, bool | int | float | str]


def _seeded(name: str, channels: int = 3, options: Options | None = None) -> Network:
    torch.manual_seed(0)
    return create(name, 3, channels=channels, options=options)


def _with_batch_statistics(name: str, images: Tensor) -> Network:
    """With the batch statistics of the images that the test uses, so that its outputs differ between them."""
    network = _seeded(name).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.train().momentum = 1.0
    with torch.no_grad():
        network(images)
    return network.eval()


def _total(output: ModelOutput) -> Tensor:
    """One number that depends on all outputs of a network."""
    parts = [output.logits, *output.auxiliary, *([] if output.mask is None else [output.mask])]
    return torch.stack([part.square().mean() for part in parts]).sum()


@pytest.mark.parametrize(
    ("name", "channels"), [(name, n) for name in registered_names() for n in (1, 3) if n == 3 or name not in BIG]
)
def test_a_network_predicts_one_image_of_odd_size(name: str, channels: int) -> None:
    network = _seeded(name, channels).eval()
    with torch.no_grad():
        output = network(torch.randn(1, channels, 65, 97))
    assert output.logits.shape == (1, 3)
    assert output.logits.isfinite().all()
    assert output.features.ndim == 4
    assert output.auxiliary == ()
    if architecture_info(name).segments:
        assert output.mask is not None
        assert output.mask.shape == (1, 1, 65, 97)
        assert output.mask.isfinite().all()
    else:
        assert output.mask is None


@every_kind
def test_a_network_trains_on_a_single_image(name: str, options: Options) -> None:
    network, image = _seeded(name, options=options).train(), torch.randn(1, 3, 64, 64)
    if name == "brainmrnet":
        # Its dense layers are batch-normalized; so recipes require batches of at least two.
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            network(image)
        return
    before = _total(network(image))
    before.backward()
    assert before.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@every_kind
def test_every_weight_gets_a_gradient_and_the_same_seed_gives_bit_identical_ones(name: str, options: Options) -> None:
    images = torch.randn(2, 3, 64, 64)

    def first_step() -> tuple[dict[str, Tensor], dict[str, Tensor | None]]:
        """Weights and running statistics after a forward pass with dropout, and the gradients."""
        network = _seeded(name, options=options).train()
        _total(network(images)).backward()
        return network.state_dict(), {key: p.grad for key, p in network.named_parameters()}

    (one, gradients), (two, others) = first_step(), first_step()
    assert [key for key, value in gradients.items() if value is None or not value.isfinite().all()] == []
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert all(torch.equal(value, others[key]) for key, value in gradients.items())


@every_kind
def test_saved_weights_give_bit_identical_outputs_in_another_network(name: str, options: Options) -> None:
    one, other = _seeded(name, options=options).eval(), create(name, 3, options=options).eval()
    image = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = one(image).logits
        assert not torch.equal(other(image).logits, expected)
        other.load_state_dict(load(save(one.state_dict())))
        assert torch.equal(other(image).logits, expected)


@pytest.mark.parametrize("name", SMALL)
def test_the_class_activation_map_averages_to_the_logit(name: str) -> None:
    network = _seeded(name).eval()
    weights = network.classifier_weights()
    if weights is None:
        pytest.skip(f"{name} does not end with pooling and one linear layer, so its Grad-CAM needs a backward pass")
    with torch.no_grad():
        output = network(torch.randn(2, 3, 96, 96))
        maps = torch.einsum("kc,nchw->nkhw", weights, output.features)
        bias = output.logits - maps.mean((2, 3))
    torch.testing.assert_close(bias[0], bias[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", SMALL)
def test_grad_cam_is_positive_somewhere_for_some_class(name: str) -> None:
    images = torch.randn(2, 3, 96, 64)
    network = _with_batch_statistics(name, images)
    maps = torch.cat([grad_cam(network, images, [k, k]) for k in range(3)])
    with torch.no_grad():
        assert maps.shape[1:] == network(images).features.shape[2:]
    assert maps.isfinite().all()
    assert maps.min() >= 0
    assert maps.max() > 0


@every_kind
def test_there_is_one_non_negative_attention_map_per_image(name: str, options: Options) -> None:
    network = _seeded(name, options=options).eval()
    for key, values in attention_maps(network, torch.randn(2, 3, 64, 96)).items():
        assert values.ndim == 3, key
        assert values.shape[0] == 2, key
        assert values.isfinite().all(), key
        assert values.min() >= 0, key


# Left out: networks whose layers are all in another one: B0 (in its transformer), Lite0, the short Lite0 and the U-Net
# of Lite0 (in the short U-Net), ResNet-50 (as MiniResNet) and EfficientMTNet (as its small version); and networks that
# other tests compare with PyTorch: MiniResNet (test_export.py), BrainMRNet (test_heatmaps.py) and EfficientMTNet S
# (test_efficient_mtnet.py).
COMPARED_ELSEWHERE = {"mini_resnet", "brainmrnet", "efficient_mtnet_s"}
PARTS_OF_OTHERS = {
    "efficientnet_b0",
    "efficientnet_lite0",
    "efficientnet_lite0_short",
    "efficientnet_lite0_unet",
    "resnet50",
    "efficient_mtnet",
}
# Of networks of many equal blocks, two in each stage, which have all operations of the whole network.
SHORTENED = {"densenet121": {"block_config": (2, 2, 2, 2)}}
TRACED = [name for name in SMALL if name not in COMPARED_ELSEWHERE | PARTS_OF_OTHERS]


@pytest.mark.slow  # each network takes 10 to 30 seconds to trace
@pytest.mark.parametrize("name", TRACED)
def test_the_exported_graph_gives_the_outputs_of_the_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create_backbone = timm.create_model
    monkeypatch.setattr(timm, "create_model", partial(create_backbone, **SHORTENED.get(name, {})))
    info = architecture_info(name)
    spec = ModelSpec(name, ("a", "b", "c"), 3, InputGeometry(64), info.mean, info.std)
    images = torch.randint(0, 256, (3, 70, 90), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[1] //= 4
    images[2, :35] = 0
    preprocessing = spec.preprocessing()
    pipeline = Pipeline(preprocessing, _with_batch_statistics(name, preprocessing(images))).eval()
    with torch.inference_mode():
        predicted = pipeline(images)
    graph = _trace(pipeline).model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for output in ("probabilities", "mask") if info.segments else ("probabilities",):
        expected = getattr(predicted, output)
        assert (expected[0] - expected[1:]).abs().amax() > 1e-3  # else a constant graph would pass
        (exported,) = session.run([output], {"image": images.numpy()})
        torch.testing.assert_close(torch.from_numpy(exported), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", registered_names())
def test_an_architecture_has_a_license_and_a_citation(name: str) -> None:
    info = architecture_info(name)
    assert info.name == name
    assert info.license
    assert info.citation
    assert len(info.mean) == len(info.std) == 3


def test_brainmrnet_has_exactly_the_published_number_of_parameters() -> None:
    assert cost("brainmrnet", 2).parameters == 550_016


def test_efficientnet_b0_has_the_size_of_the_paper() -> None:
    full = cost("efficientnet_b0", 1000)
    assert full.parameters == pytest.approx(5.3e6, rel=0.01)
    assert full.multiply_adds == pytest.approx(0.39e9, rel=0.02)
    assert cost("efficientnet_b0", 2).parameters == pytest.approx(4.01e6, rel=0.001)


def test_the_error_for_a_misspelled_name_suggests_the_nearest_one() -> None:
    with assert_refused(ModelError, advice="did you mean efficientnet_lite0"):
        create("eficientnet_lite0", 3)


@pytest.mark.parametrize(("classes", "channels", "expected"), [(1, 3, "^at least 2$"), (3, 2, "^1 or 3$")])
def test_one_class_or_two_channels_are_refused(classes: int, channels: int, expected: str) -> None:
    with assert_refused(ModelError, expected=expected):
        create("mini_resnet", classes, channels=channels)


TOY_NET = """
from torch import nn

from tumorlens.models.model_output import ModelOutput, Network
from tumorlens._network_table import ArchitectureInfo
from tumorlens.models.registry import HALF, register


class ToyNet(Network):
    def __init__(self, classes, channels):
        super().__init__()
        self.conv, self.head = nn.Conv2d(channels, 4, 3, padding=1), nn.Linear(4, classes)

    def forward(self, x):
        features = self.conv(x)
        return ModelOutput(self.head(features.mean((2, 3))), features)


@register(ArchitectureInfo("toy_net", "one convolution", 32, HALF, HALF, "Apache-2.0", "none"))
def toy_net(classes, channels, dropout):
    return ToyNet(classes, channels)
"""


def test_one_new_file_adds_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy_net.py").write_text(TOY_NET)
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    monkeypatch.setattr(architectures, "__path__", [*architectures.__path__, str(tmp_path)])
    before = registered_names()
    architectures.register_all()
    sys.modules.pop(f"{architectures.__name__}.toy_net")
    assert registered_names() == sorted([*before, "toy_net"])
    assert create("toy_net", 3)(torch.zeros(1, 3, 32, 32)).logits.shape == (1, 3)
    assert cost("toy_net", 3).input_size == 32


def test_the_names_of_the_registry_are_these() -> None:
    sizes = [f"b{i}" for i in range(5)] + [f"lite{i}" for i in range(3)]
    efficientnets = [f"efficientnet_{size}{head}" for size in sizes for head in HEADS]
    truncated = ["efficientnet_lite0_short", "efficientnet_lite0_short_unet"]
    baselines = [f"{name}{head}" for name in ("densenet121", "resnet50", "vgg16") for head in ("", "_unet")]
    others = ["brain_mri_efficientnet", "brainmrnet", "efficient_mtnet", "efficient_mtnet_s", "mini_resnet"]
    assert registered_names() == sorted([*efficientnets, *truncated, *baselines, *others])


def test_the_short_name_of_an_architecture_is_that_of_papers() -> None:
    names = {name: architecture_info(name).short_name for name in ("efficientnet_b0_unet", "resnet50", "brainmrnet")}
    assert names == {"efficientnet_b0_unet": "EfficientNet-B0", "resnet50": "ResNet-50", "brainmrnet": "BrainMRNet"}
