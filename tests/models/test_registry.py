"""Every registered model passes the same tests; a new one is tested for free."""

from __future__ import annotations

import onnxruntime
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from tumorlens.deploy.export import _trace
from tumorlens.errors import ModelError
from tumorlens.explanation import grad_cam
from tumorlens.models import (
    ModelOutput,
    ModelSpec,
    Network,
    Pipeline,
    architecture_info,
    attention_maps,
    cost,
    create,
    list_networks,
)
from tumorlens.scan import InputGeometry

# The big ones are B0 and Lite0 with more of the same layers, the transformers and the U-Nets differ in the backbone
# alone: where that suffices, the small ones stand for them.
HEADS = ("", "_transformer", "_unet")
BIG = {f"efficientnet_{size}{i}{head}" for size in ("b", "lite") for i in range(1, 5) for head in HEADS}
OTHERS = {f"{name}_unet" for name in ("efficientnet_b0", "vgg16", "resnet50", "densenet121")}
SMALL = [name for name in list_networks() if name not in BIG | OTHERS | {"efficientnet_lite0_transformer"}]
# Other sides of an architecture than its default one.
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


def _settled(name: str, images: Tensor) -> Network:
    """With the batch statistics of the images it will see, so that its answers differ between them."""
    network = _seeded(name).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.train().momentum = 1.0
    with torch.no_grad():
        network(images)
    return network.eval()


def _total(output: ModelOutput) -> Tensor:
    """One number that everything a network answers with is part of."""
    parts = [output.logits, *output.auxiliary, *([] if output.mask is None else [output.mask])]
    return torch.stack([part.square().mean() for part in parts]).sum()


@pytest.mark.parametrize("name", list_networks())
@pytest.mark.parametrize("channels", [1, 3])
def test_answers_images_of_odd_size_one_at_a_time(name: str, channels: int) -> None:
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
def test_every_weight_learns(name: str, options: Options) -> None:
    network = _seeded(name, options=options)
    _total(network(torch.randn(4, 3, 64, 64))).backward()
    still = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not still


@every_kind
def test_learns_from_a_single_image(name: str, options: Options) -> None:
    network, image = _seeded(name, options=options).train(), torch.randn(1, 3, 64, 64)
    if name == "brainmrnet":
        # Its dense layers are batch-normalized; recipes therefore ask for batches of at least two.
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            network(image)
        return
    before = _total(network(image))
    before.backward()
    assert before.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@every_kind
def test_the_same_seed_gives_the_same_bits(name: str, options: Options) -> None:
    images = torch.randn(2, 3, 64, 64)

    def first_step() -> tuple[dict[str, Tensor], list[Tensor | None]]:
        """Weights and running statistics after a forward pass with dropout, and the gradients."""
        network = _seeded(name, options=options).train()
        _total(network(images)).backward()
        return network.state_dict(), [p.grad for p in network.parameters()]

    (one, slopes), (two, again) = first_step(), first_step()
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert all(torch.equal(a, b) for a, b in zip(slopes, again, strict=True) if a is not None and b is not None)


@every_kind
def test_saved_weights_give_the_same_bits_in_another_network(name: str, options: Options) -> None:
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
    weights = network.class_weights()
    if weights is None:
        pytest.skip(f"{name} is not pooling + linear, so its Grad-CAM needs a backward pass")
    with torch.no_grad():
        output = network(torch.randn(2, 3, 96, 96))
        maps = torch.einsum("kc,nchw->nkhw", weights, output.features)
        bias = output.logits - maps.mean((2, 3))
    torch.testing.assert_close(bias[0], bias[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", SMALL)
def test_grad_cam_shows_something_for_some_class(name: str) -> None:
    images = torch.randn(2, 3, 96, 64)
    network = _settled(name, images)
    maps = torch.cat([grad_cam(network, images, [k, k]) for k in range(3)])
    with torch.no_grad():
        assert maps.shape[1:] == network(images).features.shape[2:]
    assert maps.isfinite().all()
    assert maps.min() >= 0
    assert maps.max() > 0


@every_kind
def test_attention_maps_are_one_for_each_image_and_not_negative(name: str, options: Options) -> None:
    network = _seeded(name, options=options).eval()
    for key, values in attention_maps(network, torch.randn(2, 3, 64, 96)).items():
        assert values.ndim == 3, key
        assert values.shape[0] == 2, key
        assert values.isfinite().all(), key
        assert values.min() >= 0, key


# Each of these is in another: B0 in its transformer, Lite0 in its U-Net, ResNet-50 has the layers of the small one,
# EfficientMTNet more blocks than its small one.
TRACED = [
    name for name in SMALL if name not in ("efficientnet_b0", "efficientnet_lite0", "resnet50", "efficient_mtnet")
]


@pytest.mark.slow  # each network takes seconds to trace
@pytest.mark.parametrize("name", TRACED)
def test_the_exported_graph_answers_as_the_network(name: str) -> None:
    known = architecture_info(name)
    spec = ModelSpec(name, ("a", "b", "c"), 3, InputGeometry(64), known.mean, known.std)
    images = torch.randint(0, 256, (3, 70, 90), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[1] //= 4
    images[2, :35] = 0
    preprocessing = spec.preprocessing()
    pipeline = Pipeline(preprocessing, _settled(name, preprocessing(images))).eval()
    with torch.inference_mode():
        answer = pipeline(images)
    graph = _trace(pipeline).model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for output in ("probabilities", "mask") if known.segments else ("probabilities",):
        expected = getattr(answer, output)
        assert (expected[0] - expected[1:]).abs().amax() > 1e-3  # else any graph would do
        (found,) = session.run([output], {"image": images.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", list_networks())
def test_has_a_card_with_license_and_citation(name: str) -> None:
    known = architecture_info(name)
    assert known.name == name
    assert known.license
    assert known.citation
    assert len(known.mean) == len(known.std) == 3


def test_brainmrnet_has_exactly_the_published_number_of_parameters() -> None:
    assert cost("brainmrnet", 2).parameters == 550_016


def test_efficientnet_b0_has_the_size_of_the_paper() -> None:
    full = cost("efficientnet_b0", 1000)
    assert full.parameters == pytest.approx(5.3e6, rel=0.01)
    assert full.multiply_adds == pytest.approx(0.39e9, rel=0.02)
    assert cost("efficientnet_b0", 2).parameters == pytest.approx(4.01e6, rel=0.001)


def test_a_misspelled_name_gets_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean efficientnet_lite0"):
        create("eficientnet_lite0", 3)


@pytest.mark.parametrize(("classes", "channels"), [(1, 3), (3, 2)])
def test_one_class_or_two_channels_make_no_model(classes: int, channels: int) -> None:
    with pytest.raises(ModelError, match="expected"):
        create("mini_resnet", classes, channels=channels)
