"""Every method gives a map at the size of the image, from 0 to 1, for every network; or one clear error."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets.phantom import render_patient
from tumorlens.errors import ModelError
from tumorlens.explanation import METHODS, available, heatmaps
from tumorlens.explanation.pipeline_explainer import PipelineExplainer
from tumorlens.models import ModelOutput, ModelSpec, Network, Pipeline, Preprocessing, attention_names
from tumorlens.scan import InputGeometry

HALF = (0.5, 0.5, 0.5)
FOR_ALL = ["grad_cam", "hires_cam", "eigen_cam", "occlusion"]
SUPPORTED = {
    "mini_resnet": FOR_ALL,
    "brainmrnet": [*FOR_ALL[:3], "attention", "occlusion"],
    "efficientnet_lite0_transformer": [*FOR_ALL[:3], "attention", "occlusion"],
    "efficient_mtnet_s": list(METHODS),
}


def pipeline(name: str, input_geometry: InputGeometry | None = None) -> Pipeline:
    spec = ModelSpec(name, ("a", "b", "c"), 3, input_geometry or InputGeometry(48), HALF, HALF)
    torch.manual_seed(4)
    network = spec.network()
    for module in network.modules():  # so that activations of an untrained network do not vanish
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network(spec.preprocessing()(torch.from_numpy(heads())))
    return Pipeline(spec.preprocessing(), network).eval()


def heads() -> np.ndarray:
    """(2, 80, 80) synthetic phantoms."""
    return np.stack([render_patient("glioma", seed, slices=1, size=80)[0].image for seed in (0, 1)])


class Bright(Network):
    """The first class depends on brightness in the middle of the image; the mask on brightness anywhere."""

    def forward(self, x: Tensor) -> ModelOutput:
        mask = 20 * (x[:, :1] - 0.5)
        middle = x[:, :1, 12:36, 12:36]
        features = torch.nn.functional.avg_pool2d(x, 4)
        logits = torch.cat([4 * middle.amax((2, 3)), torch.zeros_like(middle[:, :, 0, 0])], 1)
        return ModelOutput(logits + 0 * features.mean((1, 2, 3))[:, None], features, mask)


def bright() -> Pipeline:
    return Pipeline(Preprocessing(InputGeometry(48), 1, (0.0,), (1.0,)), Bright()).eval()


def two_spots() -> np.ndarray:
    """A spot in the middle, another in the lower right corner, on dark noise."""
    image = np.random.default_rng(0).integers(20, 40, (96, 96), dtype=np.uint8)
    image[44:54, 44:54] = 250
    image[84:92, 84:92] = 250
    return image


@pytest.mark.parametrize("name", SUPPORTED)
def test_each_network_supports_its_methods_at_the_size_of_the_image(name: str) -> None:
    network, images = pipeline(name), heads()[:, 5:, :]
    assert available(network) == SUPPORTED[name]
    for method in SUPPORTED[name]:
        for heatmap in heatmaps(network, images, method=method):
            assert heatmap.shape == (75, 80)
            assert heatmap.dtype == np.float32
            assert 0 <= heatmap.min() <= heatmap.max() <= 1
            assert np.ptp(heatmap) > 0, method


def test_a_batch_gives_the_same_maps_as_single_images() -> None:
    network, images = pipeline("efficient_mtnet_s"), heads()
    for method in ("grad_cam", "eigen_cam", "attention", "mask"):
        batch = heatmaps(network, images, [0, 2], method=method)
        for image, target, heatmap in zip(images, [0, 2], batch, strict=True):
            (alone,) = heatmaps(network, image[None], [target], method=method)
            np.testing.assert_allclose(heatmap, alone, atol=1e-4)


def test_without_targets_the_predicted_class_is_explained() -> None:
    network, images = pipeline("mini_resnet"), heads()[:1]
    with torch.inference_mode():
        predicted = network(torch.from_numpy(images)).logits.argmax(1).tolist()
    for method in ("grad_cam", "occlusion"):
        assert np.array_equal(
            heatmaps(network, images, method=method), heatmaps(network, images, predicted, method=method)
        )


def test_one_attention_map_of_several_can_be_selected() -> None:
    network, images = pipeline("brainmrnet"), heads()[:1]
    names = attention_names(network.network)
    assert len(names) == 3
    maps = [heatmaps(network, images, method=f"attention:{name}")[0] for name in names]
    assert not np.allclose(maps[0], maps[1], atol=0.05)
    explainer = PipelineExplainer(network, "brainmrnet")
    with assert_refused(
        ModelError, found="brainmrnet has no map attention:hyper", expected=f"attention:{names[0]}, .*hyp"
    ):
        explainer.check("attention:hyper")


def test_occlusion_explains_the_class_or_the_whole_mask() -> None:
    network, image = bright(), two_spots()[None]
    (of_class,) = heatmaps(network, image, [0], method="occlusion")
    (of_mask,) = heatmaps(network, image, method="occlusion", task="segmentation")
    assert of_class[49, 49] > 0.6
    assert of_class[88, 88] < 0.05
    assert of_mask[49, 49] > 0.3
    assert of_mask[88, 88] > 0.3
    assert of_mask[20, 60] < 0.05


def test_gradients_of_the_mask_differ_from_those_of_the_class() -> None:
    network, images = pipeline("efficient_mtnet_s"), heads()[:1]
    with torch.no_grad():
        mask = network.network(network.preprocessing(torch.from_numpy(images))).mask
        network.network.segment[-1].bias -= mask.median()
    for method in ("grad_cam", "hires_cam"):
        (of_mask,), (of_class,) = (
            heatmaps(network, images, method=method, task=task) for task in ("segmentation", "classification")
        )
        assert of_mask.shape == of_class.shape == (80, 80)
        assert not np.allclose(of_mask, of_class, atol=0.1)


def test_an_empty_predicted_mask_gives_zeros() -> None:
    network = pipeline("efficient_mtnet_s")
    with torch.no_grad():
        network.network.segment[-1].bias -= 1000
    for method in ("grad_cam", "hires_cam", "occlusion", "mask"):
        assert not heatmaps(network, heads()[:1], method=method, task="segmentation")[0].any()


def test_the_mask_is_a_probability_and_not_scaled_to_its_maximum() -> None:
    network = pipeline("efficient_mtnet_s")
    with torch.no_grad():
        network.network.segment[-1].bias -= 3
    (heatmap,) = heatmaps(network, heads()[:1], method="mask")
    with torch.inference_mode():
        assert heatmap.max() == pytest.approx(float(network(torch.from_numpy(heads()[:1])).mask.max()), abs=0.01)
    assert 0 < heatmap.max() < 0.5


@pytest.mark.parametrize("method", FOR_ALL)
def test_with_a_crop_to_the_head_the_map_is_zero_outside_of_it(method: str) -> None:
    network = pipeline("mini_resnet", InputGeometry(48, crop="head"))
    image = np.zeros((100, 160), np.uint8)
    image[10:90, 70:150] = heads()[0]
    (heatmap,) = heatmaps(network, image[None], method=method)
    assert heatmap.shape == image.shape
    assert heatmap.max() > 0.5
    assert not heatmap[:, :60].any()


def test_an_unsupported_method_is_an_error_of_one_line_that_lists_the_supported() -> None:
    network, images = pipeline("mini_resnet"), heads()[:1]
    for method, fields in (
        ("gradcam", {"found": "'gradcam'", "advice": r"did you mean grad_cam\?"}),
        ("saliency", {"found": "'saliency'", "expected": "one of grad_cam, .*mask"}),
        ("occlusion:4", {"found": "'occlusion:4'"}),
        (
            "attention",
            {
                "found": "MiniResNet does not support attention",
                "expected": "^one of grad_cam, hires_cam, eigen_cam, occlusion$",
            },
        ),
        ("mask", {"found": "MiniResNet does not support mask"}),
    ):
        with assert_refused(ModelError, **fields):
            heatmaps(network, images, method=method)
    with assert_refused(ModelError, found="MiniResNet does not segment tumors"):
        heatmaps(network, images, task="segmentation")


def test_a_network_trained_without_masks_has_no_mask_to_explain() -> None:
    trained = pipeline("efficient_mtnet_s")
    without = Pipeline(trained.preprocessing, trained.network, segments=False).eval()
    assert "mask" not in available(without)
    with assert_refused(ModelError, found="does not segment tumors"):
        heatmaps(without, heads()[:1], task="segmentation")
