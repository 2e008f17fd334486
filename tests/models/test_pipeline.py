"""The pipeline maps images to probabilities, and its specification survives JSON."""

from __future__ import annotations

import json

import pytest
import torch

from tumorlens.models import ModelSpec, Pipeline
from tumorlens.scan import InputGeometry

HALF = (0.5, 0.5, 0.5)
SPEC = ModelSpec("mini_resnet", ("glioma", "meningioma", "pituitary"), 1, InputGeometry(32), HALF, HALF)
IMAGES = torch.randint(0, 256, (4, 40, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def _pipeline(temperature: float = 1.0, spec: ModelSpec = SPEC) -> Pipeline:
    torch.manual_seed(0)
    return Pipeline(spec.preprocessing(), spec.network(), temperature).eval()


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        ModelSpec("brainmrnet", ("yes", "no"), 3, InputGeometry(224, "center_crop", 256), HALF, (0.1, 0.2, 0.3), 0.4),
    ],
    ids=["gray", "color"],
)
def test_a_specification_survives_json(spec: ModelSpec) -> None:
    assert ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_specification_of_another_version_is_refused() -> None:
    data = SPEC.to_dict()
    assert next(iter(data)) == "schema_version"
    with pytest.raises(ValueError, match="schema_version is 2; expected 1"):
        ModelSpec.from_dict(data | {"schema_version": 2})


def test_probabilities_sum_to_one() -> None:
    with torch.no_grad():
        output = _pipeline()(IMAGES)
    assert output.probabilities.shape == output.logits.shape == (4, 3)
    torch.testing.assert_close(output.probabilities.sum(1), torch.ones(4))


def test_a_higher_temperature_softens_probabilities_and_keeps_their_order() -> None:
    with torch.no_grad():
        sharp, soft = _pipeline(0.5)(IMAGES), _pipeline(4.0)(IMAGES)
    assert torch.equal(sharp.logits, soft.logits)
    assert torch.equal(sharp.probabilities.argsort(1), soft.probabilities.argsort(1))
    assert (soft.probabilities.amax(1) < sharp.probabilities.amax(1)).all()
    torch.testing.assert_close(soft.probabilities, torch.softmax(soft.logits / 4, 1))


def test_a_network_with_pooling_and_one_linear_layer_returns_class_activation_maps() -> None:
    pipeline = _pipeline()
    with torch.no_grad():
        output = pipeline(IMAGES)
    assert output.cam.shape == (4, 3, 2, 2)
    torch.testing.assert_close(output.cam.mean((2, 3)) + pipeline.network.head.bias, output.logits)


def test_another_network_returns_empty_maps() -> None:
    spec = ModelSpec("brainmrnet", SPEC.classes, 1, InputGeometry(64), HALF, HALF)
    with torch.no_grad():
        assert _pipeline(spec=spec)(IMAGES).cam.shape[:2] == (4, 0)


def test_a_network_that_segments_returns_a_probability_for_each_input_pixel() -> None:
    spec = ModelSpec("efficient_mtnet_s", SPEC.classes, 1, InputGeometry(64), HALF, HALF)
    pipeline = _pipeline(spec=spec)
    with torch.no_grad():
        output, raw = pipeline(IMAGES), pipeline.network(pipeline.preprocessing(IMAGES))
    assert output.mask.shape == (4, 64, 64)
    torch.testing.assert_close(output.mask, torch.sigmoid(raw.mask[:, 0]))


def test_another_network_returns_an_empty_mask() -> None:
    with torch.no_grad():
        assert _pipeline()(IMAGES).mask.shape == (4, 0, 0)
