"""What a heat map costs, in forward passes: out of the exported graph, and by autograd."""

from __future__ import annotations

from collections.abc import Iterator

from finding import COST, Finding, Target
from material import NETWORKS, Material
from race import Contestant, race


def findings(material: Material) -> Iterator[Finding]:
    """The bundle's map of each network, then Grad-CAM by autograd for information."""
    for network in NETWORKS:
        yield _from_graph(material, network)
    yield _by_autograd(material, "efficientnet_lite0")


def _from_graph(material: Material, network: str) -> Finding:
    settings = material.settings
    asked = [material.picture, settings.predictions]
    contestants = [
        Contestant(
            "bundle without heat map",
            "tumorlens_prediction.py",
            [material.bundle_without_heatmap(network), *asked],
        ),
        Contestant(
            "bundle with heat map",
            "tumorlens_prediction.py",
            [material.bundle(network), *asked, "--heatmap"],
        ),
    ]
    return Finding(
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


def _by_autograd(material: Material, network: str) -> Finding:
    settings = material.settings
    asked = [network, settings.predictions]
    contestants = [
        Contestant("eager forward pass", "gradcam.py", ["forward", *asked]),
        Contestant("grad-cam package", "gradcam.py", ["package", *asked]),
        Contestant("tumorlens.explanation.grad_cam", "gradcam.py", ["tumorlens", *asked]),
    ]
    return Finding(
        question=f"Grad-CAM by autograd, {network}",
        how="One prepared input, eager PyTorch; for information: what the same map costs outside of the graph.",
        unit="ms",
        ratio=COST,
        series=race(contestants, settings.short_rounds),
    )
