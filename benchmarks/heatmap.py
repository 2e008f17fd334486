"""The time of a heat map relative to a forward pass: from a model file, and by every explanation method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from comparison import COST, Comparison, SideBySide, Target
from interleaved import Implementation, measure_interleaved
from material import NETWORKS, Material

from tumorlens.explanation import METHODS

GRAD_CAM_PACKAGE = ("grad_cam", "hires_cam", "eigen_cam")  # methods that the grad-cam package has as well
IN_MODEL_FILES = ("eigen_cam", "occlusion", "mask")
EXPLAINED = {
    "efficientnet_lite0_unet": ("grad_cam", "hires_cam", "eigen_cam", "occlusion", "mask"),
    "efficientnet_lite0_transformer": ("grad_cam", "hires_cam", "attention"),
}
HOW_METHODS = (
    "One image of 224 x 224 pixels, one class, eager PyTorch; model files in ONNX Runtime. The package starts from the "
    "preprocessed input, tumorlens from the image."
)


def comparisons(material: Material) -> Iterator[Comparison | SideBySide]:
    """The map of each network's model file, then every method for information."""
    yield SideBySide("A heat map from a model file", {name: _from_model_file(material, name) for name in NETWORKS})
    for network, methods in EXPLAINED.items():
        yield _methods(material, network, methods)


def _from_model_file(material: Material, network: str) -> Comparison:
    settings = material.settings
    arguments = [material.image, settings.predictions]
    implementations = [
        Implementation(
            "model file without heat map",
            "tumorlens_prediction.py",
            [material.model_file_without_heatmap(network), *arguments],
        ),
        Implementation(
            "model file with heat map",
            "tumorlens_prediction.py",
            [material.model_file(network), *arguments, "--heatmap"],
        ),
    ]
    return Comparison(
        question=f"A heat map from a model file, {network}",
        how=(
            f"`predict(heatmap=True)` with a map of {settings.side} x {settings.side} pixels, against a model file "
            "without this output."
        ),
        unit="ms",
        ratio=COST,
        series=measure_interleaved(implementations, settings.short_rounds),
        target=Target(1.2, least=False),
    )


def _methods(material: Material, network: str, methods: Sequence[str]) -> Comparison:
    settings = material.settings
    arguments = [settings.predictions]
    implementations = [Implementation("eager forward pass", "maps.py", ["forward", network, "none", *arguments])]
    for method in methods:
        title = METHODS[method].title
        if method in GRAD_CAM_PACKAGE:
            implementations.append(
                Implementation(f"{title}, grad-cam package", "maps.py", ["package", network, method, *arguments])
            )
        implementations.append(
            Implementation(f"{title}, tumorlens", "maps.py", ["tumorlens", network, method, *arguments])
        )
        if method in IN_MODEL_FILES:
            model_file = ["model-file", material.model_file(network), method, *arguments]
            implementations.append(Implementation(f"{title}, from a model file", "maps.py", model_file))
    return Comparison(
        question=f"All explanation methods, {network}",
        how=HOW_METHODS if network == next(iter(EXPLAINED)) else "As above.",
        unit="ms",
        ratio=COST,
        series=measure_interleaved(implementations, settings.short_rounds),
    )
