"""What a heat map costs, in forward passes: out of the exported graph, and by every method there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from comparison import COST, Comparison, Target
from material import NETWORKS, Material
from race import Contestant, race

from tumorlens.explanation import METHODS

PACKAGES = ("grad_cam", "hires_cam", "eigen_cam")  # of the grad-cam package, that tumorlens has too
IN_BUNDLES = ("eigen_cam", "occlusion", "mask")
EXPLAINED = {
    "efficientnet_lite0_unet": ("grad_cam", "hires_cam", "eigen_cam", "occlusion", "mask"),
    "efficientnet_lite0_transformer": ("grad_cam", "hires_cam", "attention"),
}


def comparisons(material: Material) -> Iterator[Comparison]:
    """The bundle's map of each network, then every method for information."""
    for network in NETWORKS:
        yield _from_graph(material, network)
    for network, methods in EXPLAINED.items():
        yield _methods(material, network, methods)


def _from_graph(material: Material, network: str) -> Comparison:
    settings = material.settings
    asked = [material.image, settings.predictions]
    contestants = [
        Contestant(
            "bundle without heat map",
            "tumorlens_prediction.py",
            [material.model_file_without_heatmap(network), *asked],
        ),
        Contestant(
            "bundle with heat map",
            "tumorlens_prediction.py",
            [material.model_file(network), *asked, "--heatmap"],
        ),
    ]
    return Comparison(
        question=f"A heat map out of the bundle, {network}",
        how=(
            f"`predict(heatmap=True)`, the map brought back to {settings.side} x {settings.side} pixels, against "
            "`predict` with a bundle from whose graph the map was taken out: the forward pass alone."
        ),
        unit="ms",
        ratio=COST,
        series=race(contestants, settings.short_rounds),
        target=Target(1.2, least=False),
    )


def _methods(material: Material, network: str, methods: Sequence[str]) -> Comparison:
    settings = material.settings
    asked = [settings.predictions]
    contestants = [Contestant("eager forward pass", "maps.py", ["forward", network, "none", *asked])]
    for method in methods:
        title = METHODS[method].title
        if method in PACKAGES:
            contestants.append(
                Contestant(f"{title}, grad-cam package", "maps.py", ["package", network, method, *asked])
            )
        contestants.append(Contestant(f"{title}, tumorlens", "maps.py", ["tumorlens", network, method, *asked]))
        if method in IN_BUNDLES:
            model_file = ["bundle", material.model_file(network), method, *asked]
            contestants.append(Contestant(f"{title}, out of the bundle", "maps.py", model_file))
    return Comparison(
        question=f"All methods of explanation, {network}",
        how=(
            "One image of 224 x 224 pixels, eager PyTorch as it comes, for one class; bundles in ONNX Runtime. The "
            "package begins with the prepared input, tumorlens with the image; both end with a map of its size."
        ),
        unit="ms",
        ratio=COST,
        series=race(contestants, settings.short_rounds),
    )
