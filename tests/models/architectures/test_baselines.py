"""The baselines of published method 4 are the published networks, except for the differences that the module states."""

from __future__ import annotations

import pytest
import torch
import torchvision

from tumorlens.models import cost, create
from tumorlens.models.pretrained import load_pretrained


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    # Numbers of the papers and of torchvision; VGG16's dense layers of 4096 have 119.5 M of its 134.3 M.
    [("vgg16", 14.71e6, 15.3e9), ("resnet50", 23.51e6, 4.09e9), ("densenet121", 6.95e6, 2.83e9)],
)
def test_they_have_the_published_size(name: str, parameters: float, multiply_adds: float) -> None:
    counted = cost(name, 2)
    assert counted.parameters == pytest.approx(parameters, rel=0.001)
    assert counted.multiply_adds == pytest.approx(multiply_adds, rel=0.01)


@pytest.mark.parametrize("name", ["resnet50", "densenet121"])
def test_with_the_weights_of_torchvision_they_give_its_outputs(name: str, tmp_path: object) -> None:
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)(weights=None).eval()
    path = f"{tmp_path}/{name}.pth"
    torch.save(theirs.state_dict(), path)
    ours = create(name, 2).eval()
    load_pretrained(ours, name, path)
    last = theirs.fc if name == "resnet50" else theirs.classifier
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = theirs(image)
        actual = last(ours(image).features.mean((2, 3)))
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-4)


def test_vgg16_has_its_thirteen_convolutions_and_no_dense_layers() -> None:
    network = create("vgg16", 2)
    assert sum(isinstance(m, torch.nn.Conv2d) for m in network.modules()) == 13
    assert [n for n, _ in network.named_children()] == ["backbone", "dropout", "head"]
    assert network.classifier_weights() is network.head.weight
    assert create("vgg16", 2).dropout.p == 0.5
    assert create("vgg16", 2, dropout=0.0).dropout.p == 0.0
