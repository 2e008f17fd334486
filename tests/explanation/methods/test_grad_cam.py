"""Grad-CAM and HiResCAM equal those of the `grad-cam` package, and CAM where theory says so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.fixtures.refusal import assert_refused
from tumorlens.errors import ModelError
from tumorlens.explanation import grad_cam, hires_cam
from tumorlens.models import Network, create

LAST_STAGE = {
    "mini_resnet": lambda network: network.stages,
    "efficientnet_lite0": lambda network: network.backbone,
    "brainmrnet": lambda network: network.stage3,
}


class Logits(nn.Module):
    """A wrapper for the package, which expects a tensor and not a `ModelOutput`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x).logits


def random_network(name: str) -> Network:
    torch.manual_seed(4)  # with these weights no map below is blank
    return create(name, 3).eval()


def images() -> Tensor:
    return torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))


class Masks(Logits):
    """The same for the logits of the mask, (N, 1, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x).mask


def scaled(maps: Tensor) -> np.ndarray:
    """At the size of the input, as the package scales each layer, and then their mean."""
    from pytorch_grad_cam.utils.image import scale_cam_image

    return scale_cam_image(scale_cam_image(maps.numpy(), (96, 96)))


@pytest.mark.parametrize("name", LAST_STAGE)
@pytest.mark.parametrize("targets", [[0, 2], None])
@pytest.mark.parametrize(("method", "theirs"), [(grad_cam, "GradCAM"), (hires_cam, "HiResCAM")])
def test_it_equals_the_grad_cam_package(
    name: str, targets: list[int] | None, method: Callable[..., Tensor], theirs: str
) -> None:
    package = pytest.importorskip("pytorch_grad_cam")
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network, inputs = random_network(name), images()
    with getattr(package, theirs)(Logits(network), [LAST_STAGE[name](network)]) as reference:
        package_targets = None if targets is None else [ClassifierOutputTarget(t) for t in targets]
        expected = reference(inputs, package_targets)
    np.testing.assert_allclose(scaled(method(network, inputs, targets)), expected, atol=1e-4)
    assert expected.max() > 0.9


@pytest.mark.parametrize(("method", "theirs"), [(grad_cam, "GradCAM"), (hires_cam, "HiResCAM")])
@pytest.mark.parametrize("name", ["efficient_mtnet_s", "efficientnet_lite0_unet"])
def test_for_a_mask_it_equals_the_package_with_the_predicted_pixels_as_target(
    name: str, method: Callable[..., Tensor], theirs: str
) -> None:
    package = pytest.importorskip("pytorch_grad_cam")
    from pytorch_grad_cam.utils.model_targets import SemanticSegmentationTarget

    network, inputs = random_network(name), images()
    last = network.segment[-1] if name == "efficient_mtnet_s" else network.decoder.segmentation_head
    with torch.no_grad():
        last.bias -= network(inputs).mask.median()  # half of all pixels are predicted as tumor
        predicted = network(inputs).mask[:, 0] >= 0
    assert 0.3 < predicted.float().mean() < 0.7
    with getattr(package, theirs)(Masks(network), [network.segmentation_target_layer()]) as reference:
        expected = reference(inputs, [SemanticSegmentationTarget(0, one.float().numpy()) for one in predicted])
    np.testing.assert_allclose(scaled(method(network, inputs, task="segmentation")), expected, atol=1e-4)
    assert expected.max() > 0.9


def test_without_segmentation_no_mask_can_be_explained() -> None:
    with assert_refused(ModelError, found="MiniResNet does not segment tumors"):
        grad_cam(random_network("mini_resnet"), images(), task="segmentation")


@pytest.mark.parametrize("name", ["mini_resnet", "efficientnet_lite0"])
def test_hires_cam_equals_grad_cam_for_pooling_and_linear_and_differs_elsewhere(name: str) -> None:
    network, inputs = random_network(name), images()
    torch.testing.assert_close(hires_cam(network, inputs, [0, 2]), grad_cam(network, inputs, [0, 2]))
    other = random_network("brainmrnet")
    maps = [method(other, inputs) for method in (hires_cam, grad_cam)]
    assert (maps[0] / maps[0].max() - maps[1] / maps[1].max()).abs().max() > 0.1


@pytest.mark.parametrize("name", ["mini_resnet", "efficientnet_lite0"])
def test_it_equals_cam_up_to_a_factor_for_pooling_and_linear(name: str) -> None:
    network, inputs = random_network(name), images()
    with torch.no_grad():
        features = network(inputs).features
        weights = network.classifier_weights()
        assert weights is not None
        cam = torch.relu(torch.einsum("c,nchw->nhw", weights[1], features))
    pixels = features.shape[2] * features.shape[3]
    torch.testing.assert_close(grad_cam(network, inputs, [1, 1]) * pixels, cam, rtol=1e-3, atol=1e-5)


def test_without_a_target_the_predicted_class_is_explained() -> None:
    network, inputs = random_network("mini_resnet"), images()
    predicted = network(inputs).logits.argmax(1).tolist()
    assert torch.equal(grad_cam(network, inputs), grad_cam(network, inputs, predicted))


def test_it_does_not_change_the_network_and_works_without_gradients() -> None:
    network = random_network("mini_resnet").requires_grad_(False)
    with torch.no_grad():
        assert grad_cam(network, images()).shape == (2, 6, 6)
    assert all(p.grad is None for p in network.parameters())
