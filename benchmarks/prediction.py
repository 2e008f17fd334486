"""Prediction: one warm image, a folder of images, the complete command; and the time of `--help`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from comparison import COST, TIMES_AS_FAST_BY_RATE, TIMES_AS_FAST_BY_TIME, Comparison, SideBySide, Target
from interleaved import IMPLEMENTATIONS, TUNED, Command, Implementation, measure_interleaved
from material import NETWORKS, Material


def comparisons(material: Material) -> Iterator[Comparison | SideBySide]:
    """In the order of the heading."""
    yield SideBySide("One warm prediction", {network: _one_warm(material, network) for network in NETWORKS})
    yield _from_disk(material, "efficientnet_lite0")
    yield _complete_command(material, "efficientnet_lite0")
    yield _help(material)


def _one_warm(material: Material, network: str) -> Comparison:
    settings = material.settings
    count, side = settings.predictions, settings.side
    plain = [NETWORKS[network], material.image, count]
    implementations = [
        Implementation("eager PyTorch, default", "plain_prediction.py", plain),
        Implementation("eager PyTorch, tuned", "plain_prediction.py", [*plain, "--tuned"], TUNED),
        Implementation("tumorlens", "tumorlens_prediction.py", [material.model_file(network), material.image, count]),
    ]
    return Comparison(
        question=f"One warm prediction, {network}",
        how=(
            f"From a uint8 array of {side} x {side} in memory to probabilities; a round is the median of {count} "
            "predictions. Eager PyTorch: PIL resizes, torchvision normalizes, timm infers under `inference_mode`. "
            "tumorlens: the model file, whose graph does all three."
        ),
        unit="ms",
        ratio=TIMES_AS_FAST_BY_TIME,
        series=measure_interleaved(implementations, settings.short_rounds),
        target=Target(4, least=True),
    )


def _from_disk(material: Material, network: str) -> Comparison:
    settings = material.settings
    plain = [NETWORKS[network], material.images]
    implementations = [
        Implementation("plain loop, default", "plain_folder.py", plain),
        Implementation("plain loop, tuned", "plain_folder.py", [*plain, "--tuned"], TUNED),
        Implementation("tumorlens", "tumorlens_folder.py", [material.model_file(network), material.images]),
    ]
    return Comparison(
        question=f"{settings.images * settings.folder_rounds:,} images from disk, {network}",
        how=(
            f"{settings.images} files of {settings.side} x {settings.side}, half PNG, half JPEG, once per round. The "
            "plain loop: PIL, torchvision, batches of 32; tumorlens: `Predictor.predict_many`."
        ),
        unit="images/s",
        ratio=TIMES_AS_FAST_BY_RATE,
        series=measure_interleaved(implementations, settings.folder_rounds),
    )


def _complete_command(material: Material, network: str) -> Comparison:
    script = [sys.executable, IMPLEMENTATIONS / "plain_command.py", NETWORKS[network], material.weights(network)]
    ours = [sys.executable, "-m", "tumorlens", "predict", material.image, "--model", material.model_file(network)]
    implementations = [Command("torch script", [*script, material.image]), Command("tumorlens predict", ours)]
    return Comparison(
        question=f"The complete command, {network}",
        how=(
            "`tumorlens predict one.png --model model.onnx` from start to exit, against a short script with torch and "
            "timm."
        ),
        unit="s",
        ratio=TIMES_AS_FAST_BY_TIME,
        series=measure_interleaved(implementations, material.settings.short_rounds),
        target=Target(1.0, least=False, absolute=True),
    )


def _help(material: Material) -> Comparison:
    implementations = [
        Command("empty Python program", [sys.executable, "-c", "pass"]),
        Command("tumorlens --help", [sys.executable, "-m", "tumorlens", "--help"]),
    ]
    return Comparison(
        question="The help text",
        how="From start to exit.",
        unit="s",
        ratio=COST,
        series=measure_interleaved(implementations, material.settings.short_rounds),
        target=Target(0.25, least=False, absolute=True),
    )
