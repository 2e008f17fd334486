"""Every method behind one name: at the size of the image, from 0 to 1, for every network; or one clear line."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tumorlens.datasets.phantom import render_patient
from tumorlens.errors import ModelError
from tumorlens.explanation import METHODS, available, heatmaps
from tumorlens.explanation.pipeline_explainer import PipelineExplainer
from tumorlens.models import ModelOutput, ModelSpec, Network, Pipeline, Preprocessing, attention_names
from tumorlens.scan import InputGeometry

HALF = (0.5, 0.5, 0.5)
EVERYWHERE = ["grad_cam", "hires_cam", "eigen_cam", "occlusion"]
GIVES = {
    "mini_resnet": EVERYWHERE,
    "brainmrnet": [*EVERYWHERE[:3], "attention", "occlusion"],
    "efficientnet_lite0_transformer": [*EVERYWHERE[:3], "attention", "occlusion"],
    "efficient_mtnet_s": list(METHODS),
}


def pipeline(name: str, input_geometry: InputGeometry | None = None) -> Pipeline:
    spec = ModelSpec(name, ("a", "b", "c"), 3, input_geometry or InputGeometry(48), HALF, HALF)
    torch.manual_seed(4)
    network = spec.network()
    for module in network.modules():  # so that what passes an untrained network does not fade away
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network(spec.preprocessing()(torch.from_numpy(heads())))
    return Pipeline(spec.preprocessing(), network).eval()


def heads() -> np.ndarray:
    """(2, 80, 80) drawn heads."""
    return np.stack([render_patient("glioma", seed, slices=1, size=80)[0].image for seed in (0, 1)])


class Bright(Network):
    """The first class is brightness in the middle of the image; what is drawn is brightness anywhere."""

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


@pytest.mark.parametrize("name", GIVES)
def test_each_network_gives_its_methods_at_the_size_of_the_image(name: str) -> None:
    network, images = pipeline(name), heads()[:, 5:, :]
    assert available(network) == GIVES[name]
    for method in GIVES[name]:
        for chart in heatmaps(network, images, method=method):
            assert chart.shape == (75, 80)
            assert chart.dtype == np.float32
            assert 0 <= chart.min() <= chart.max() <= 1
            assert np.ptp(chart) > 0, method


def test_images_together_get_the_maps_they_get_alone() -> None:
    network, images = pipeline("efficient_mtnet_s"), heads()
    for method in ("grad_cam", "eigen_cam", "attention", "mask"):
        together = heatmaps(network, images, [0, 2], method=method)
        for image, target, chart in zip(images, [0, 2], together, strict=True):
            (alone,) = heatmaps(network, image[None], [target], method=method)
            np.testing.assert_allclose(chart, alone, atol=1e-4)


def test_without_targets_the_predicted_class_is_explained() -> None:
    network, images = pipeline("mini_resnet"), heads()[:1]
    with torch.inference_mode():
        said = network(torch.from_numpy(images)).logits.argmax(1).tolist()
    for method in ("grad_cam", "occlusion"):
        assert np.array_equal(heatmaps(network, images, method=method), heatmaps(network, images, said, method=method))


def test_one_attention_map_of_several_can_be_asked_for() -> None:
    network, images = pipeline("brainmrnet"), heads()[:1]
    names = attention_names(network.network)
    assert len(names) == 3
    maps = [heatmaps(network, images, method=f"attention:{name}")[0] for name in names]
    assert not np.allclose(maps[0], maps[1], atol=0.05)
    explainer = PipelineExplainer(network, "brainmrnet")
    with pytest.raises(ModelError, match=rf"brainmrnet has no map attention:hyper; it has attention:{names[0]}, .*hyp"):
        explainer.check("attention:hyper")


def test_occlusion_shows_what_the_class_hangs_on_and_of_the_mask_all_that_is_drawn() -> None:
    network, image = bright(), two_spots()[None]
    (of_class,) = heatmaps(network, image, [0], method="occlusion")
    (of_mask,) = heatmaps(network, image, method="occlusion", of="mask")
    assert of_class[49, 49] > 0.6
    assert of_class[88, 88] < 0.05
    assert of_mask[49, 49] > 0.3
    assert of_mask[88, 88] > 0.3
    assert of_mask[20, 60] < 0.05


def test_gradients_of_the_mask_are_not_those_of_the_class() -> None:
    network, images = pipeline("efficient_mtnet_s"), heads()[:1]
    with torch.no_grad():
        drawn = network.network(network.preprocessing(torch.from_numpy(images))).mask
        network.network.segment[-1].bias -= drawn.median()
    for method in ("grad_cam", "hires_cam"):
        (of_mask,), (of_class,) = (heatmaps(network, images, method=method, of=of) for of in ("mask", "class"))
        assert of_mask.shape == of_class.shape == (80, 80)
        assert not np.allclose(of_mask, of_class, atol=0.1)


def test_where_nothing_is_drawn_nothing_spoke_for_it() -> None:
    network = pipeline("efficient_mtnet_s")
    with torch.no_grad():
        network.network.segment[-1].bias -= 1000
    for method in ("grad_cam", "hires_cam", "occlusion", "mask"):
        assert not heatmaps(network, heads()[:1], method=method, of="mask")[0].any()


def test_the_mask_is_a_probability_and_not_scaled_to_its_peak() -> None:
    network = pipeline("efficient_mtnet_s")
    with torch.no_grad():
        network.network.segment[-1].bias -= 3
    (chart,) = heatmaps(network, heads()[:1], method="mask")
    with torch.inference_mode():
        assert chart.max() == pytest.approx(float(network(torch.from_numpy(heads()[:1])).mask.max()), abs=0.01)
    assert 0 < chart.max() < 0.5


@pytest.mark.parametrize("method", EVERYWHERE)
def test_around_the_head_nothing_outside_of_it_is_hot(method: str) -> None:
    network = pipeline("mini_resnet", InputGeometry(48, crop="head"))
    image = np.zeros((100, 160), np.uint8)
    image[10:90, 70:150] = heads()[0]
    (chart,) = heatmaps(network, image[None], method=method)
    assert chart.shape == image.shape
    assert chart.max() > 0.5
    assert not chart[:, :60].any()


def test_what_cannot_be_had_is_one_line_that_says_what_can() -> None:
    network, images = pipeline("mini_resnet"), heads()[:1]
    for method, said in (
        ("gradcam", r"no method is called 'gradcam'; did you mean grad_cam\?"),
        ("saliency", "no method is called 'saliency'; expected one of grad_cam, .*mask"),
        ("occlusion:4", "no method is called 'occlusion:4'"),
        ("attention", "MiniResNet gives no map by attention; it gives grad_cam, hires_cam, eigen_cam, occlusion$"),
        ("mask", "MiniResNet gives no map by mask"),
    ):
        with pytest.raises(ModelError, match=said) as caught:
            heatmaps(network, images, method=method)
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="MiniResNet draws no tumor that could be explained"):
        heatmaps(network, images, of="mask")


def test_a_network_that_was_never_shown_a_mask_has_none_to_explain() -> None:
    drawing = pipeline("efficient_mtnet_s")
    silent = Pipeline(drawing.preprocessing, drawing.network, segments=False).eval()
    assert "mask" not in available(silent)
    with pytest.raises(ModelError, match="draws no tumor"):
        heatmaps(silent, heads()[:1], of="mask")
