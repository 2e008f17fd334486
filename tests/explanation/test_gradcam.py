"""Our Grad-CAM is the field's: equal to the `grad-cam` package, and to CAM where theory says so."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tumorlens.explanation import grad_cam
from tumorlens.models import Network, create

LAST_STAGE = {
    "mini_resnet": lambda network: network.stages,
    "efficientnet_lite0": lambda network: network.backbone,
    "brainmrnet": lambda network: network.stage3,
}


class Logits(nn.Module):
    """The network as the package wants it: a tensor, not an `Output`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x).logits


def random_network(name: str) -> Network:
    torch.manual_seed(4)  # with these weights every map below has something to show
    return create(name, 3).eval()


def pictures() -> Tensor:
    return torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", LAST_STAGE)
@pytest.mark.parametrize("targets", [[0, 2], None])
def test_it_equals_the_grad_cam_package(name: str, targets: list[int] | None) -> None:
    package = pytest.importorskip("pytorch_grad_cam")
    from pytorch_grad_cam.utils.image import scale_cam_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    network, inputs = random_network(name), pictures()
    with package.GradCAM(Logits(network), [LAST_STAGE[name](network)]) as reference:
        wanted = None if targets is None else [ClassifierOutputTarget(t) for t in targets]
        theirs = reference(inputs, wanted)
    ours = scale_cam_image(grad_cam(network, inputs, targets).numpy(), (96, 96))
    ours = scale_cam_image(ours)  # the package scales each layer, and then their mean
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert theirs.max() > 0.9


@pytest.mark.parametrize("name", ["mini_resnet", "efficientnet_lite0"])
def test_it_is_cam_up_to_a_factor_where_the_network_is_pooling_and_linear(name: str) -> None:
    network, inputs = random_network(name), pictures()
    with torch.no_grad():
        features = network(inputs).features
        weights = network.class_weights()
        assert weights is not None
        cam = torch.relu(torch.einsum("c,nchw->nhw", weights[1], features))
    places = features.shape[2] * features.shape[3]
    torch.testing.assert_close(grad_cam(network, inputs, [1, 1]) * places, cam, rtol=1e-3, atol=1e-5)


def test_without_a_target_the_predicted_class_is_explained() -> None:
    network, inputs = random_network("mini_resnet"), pictures()
    said = network(inputs).logits.argmax(1).tolist()
    assert torch.equal(grad_cam(network, inputs), grad_cam(network, inputs, said))


def test_it_leaves_the_network_as_it_was_and_works_where_gradients_are_off() -> None:
    network = random_network("mini_resnet").requires_grad_(False)
    with torch.no_grad():
        assert grad_cam(network, pictures()).shape == (2, 6, 6)
    assert all(p.grad is None for p in network.parameters())
