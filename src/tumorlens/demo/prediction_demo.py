"""Synthetic phantoms -> the model that comes with tumorlens -> a page that counts its errors. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens._record import Record
from tumorlens._results_folder import claim_folder
from tumorlens.datasets import Sample, fingerprint, open_table, phantom, read_sample_mask
from tumorlens.datasets.classes import HEALTHY
from tumorlens.deploy.prediction import Prediction
from tumorlens.deploy.prediction_files import PredictionFiles
from tumorlens.deploy.predictor import available_threads, load
from tumorlens.deploy.shipped import DEFAULT_MODEL
from tumorlens.errors import TumorlensError
from tumorlens.metrics import Metrics, Segmentation, measure, measure_segmentation, segmentation_case
from tumorlens.metrics.detection import measure_detection
from tumorlens.report import (
    Blocks,
    CaptionedImage,
    PageFooter,
    Section,
    Tile,
    code,
    contact_sheet,
    figure,
    note,
    overlay,
    render_page,
    save_page,
    side_by_side,
    tiles,
)
from tumorlens.report.heat import beside_head_note, beside_head_text, share_beside_head
from tumorlens.report.plots import ConfusionChart
from tumorlens.report.text import number
from tumorlens.scan import Mask
from tumorlens.stats import ClusterBootstrap, Estimate

PATIENTS = 60
"""Phantoms, one slice each: five of each class in each plane."""
SIZE = 256
"""Height and width of a phantom in pixels."""
_SHOWN = 3  # correct phantoms of each class
_PROVES_NOTHING = (
    "Phantoms are synthetic, and this model was trained on patients, never on phantoms. "
    "These results show that the software works. They prove nothing about patients."
)


@dataclass(frozen=True, eq=False)
class PhantomPrediction:
    """A phantom, its reference mask and its prediction.

    Attributes:
        sample: of the table of phantoms.
        prediction: of the model.
        reference: the mask that the phantom was rendered with; None without a tumor.
    """

    sample: Sample
    prediction: Prediction
    reference: Mask | None

    @property
    def correct(self) -> bool:
        """Whether the most probable class is that of the phantom."""
        return self.prediction.label == self.sample.label

    @property
    def beside_head(self) -> float | None:
        """The share of the heat map beside the head; None without a map."""
        heatmap = self.prediction.heatmap
        return None if heatmap is None else share_beside_head(self.prediction.gray, heatmap)

    def image(self) -> CaptionedImage:
        """The phantom with the reference contour beside the phantom with what was predicted."""
        label, gray = self.prediction.label, self.prediction.gray
        caption = f"{label} ({number(self.prediction.probability, percent=True)})\nreference: {self.sample.label}"
        return CaptionedImage(
            side_by_side([overlay(gray, reference=self.reference), self.prediction.overlay()]),
            "\n".join(filter(None, [caption, *self.prediction.flags, beside_head_text(self.beside_head)])),
            f"phantom of class {self.sample.label}, predicted {label}",
            "right" if self.correct else "wrong",
        )


@dataclass(frozen=True, eq=False)
class PredictionDemo:
    """What the model predicts on the phantoms.

    Attributes:
        phantoms: in the order of the table.
        metrics: of the classes.
        detection: sensitivity and specificity for a tumor of any class, by these names.
        segmentation: of the masks.
        report: path of the page.
    """

    phantoms: tuple[PhantomPrediction, ...]
    metrics: Metrics
    detection: dict[str, Estimate]
    segmentation: Segmentation | None
    report: Path

    @property
    def correct(self) -> int:
        """Phantoms whose class is predicted correctly."""
        return sum(one.correct for one in self.phantoms)

    @property
    def ood(self) -> int:
        """Phantoms that are flagged as out-of-distribution."""
        return sum(bool(one.prediction.ood) for one in self.phantoms)

    @property
    def summary(self) -> str:
        """The results in one line."""
        return (
            f"{self.correct} of {len(self.phantoms)} phantoms classified correctly, {self.ood} flagged as "
            "out-of-distribution; this proves nothing about patients"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "phantoms": len(self.phantoms),
            "correct": self.correct,
            "ood": self.ood,
            "accuracy": self.metrics.overall["accuracy"].to_dict(),
            "detection": {name: estimate.to_dict() for name, estimate in self.detection.items()},
            "dice": self.segmentation.overall["dice"].to_dict() if self.segmentation else None,
            "report": str(self.report),
        }


def prediction_demo(folder: Path, *, seed: int = 0, progress: ProgressOption = None) -> PredictionDemo:
    """Render phantoms and predict them with the default model. Needs no data, no network and no torch.

    Args:
        folder: a new folder; gets the phantoms, the files of ``tumorlens predict`` and ``report.html``.
        seed: of the phantoms.
        progress: a callable, True for bars, None for silence.

    Returns:
        The results, and the path of one HTML page that needs no other file.

    Raises:
        ResultsFolderError: the folder is not empty, or another process is writing to it.
    """
    with progress_of(progress) as shown, claim_folder(folder):
        return _prediction_demo(folder, seed, shown)


def _prediction_demo(folder: Path, seed: int, progress: Progress) -> PredictionDemo:
    threads = available_threads()
    record = Record("demo", model=DEFAULT_MODEL, seed=seed, threads=threads)
    phantom.make(folder / "phantoms", patients=PATIENTS, slices=1, seed=seed, size=SIZE, progress=progress)
    table = open_table(folder / "phantoms")
    record.add(data_fingerprint=fingerprint(table))
    predictor, found = load(DEFAULT_MODEL, threads=1), list[PhantomPrediction]()
    with PredictionFiles(folder, predictor, record, overlays=True, masks=True) as files:
        predictions = predictor.predict_many((sample.image for sample in table), jobs=threads)
        for i, (sample, (_, prediction)) in enumerate(zip(table, predictions, strict=True), start=1):
            if isinstance(prediction, TumorlensError):
                raise prediction
            files.add(prediction, i)
            found.append(PhantomPrediction(sample, prediction, read_sample_mask(sample)))
            progress("predicting", i, len(table))
    result = PredictionDemo(tuple(found), *_measured(found, predictor.classes, seed), folder / "report.html")
    save_page(_page(result, folder, PageFooter.of(record.facts)), result.report)
    record.add(outputs=[*record.facts["outputs"], result.report.name])
    record.write(folder)
    return result


def _measured(
    found: Sequence[PhantomPrediction], classes: Sequence[str], seed: int
) -> tuple[Metrics, dict[str, Estimate], Segmentation | None]:
    labels = [one.sample.label for one in found]
    bootstrap = ClusterBootstrap([one.sample.unit for one in found], "patient", seed=seed)
    probabilities = np.array([list(one.prediction.probabilities.values()) for one in found])
    positions = [classes.index(label) for label in labels]
    metrics = measure(probabilities, positions, bootstrap, classes)
    detection = measure_detection(probabilities, positions, bootstrap, classes, HEALTHY)
    assert detection is not None  # phantoms have both
    cases = [
        segmentation_case(one.prediction.mask, one.reference, None, healthy=one.sample.label in HEALTHY)
        for one in found
        if one.prediction.mask is not None
    ]
    return metrics, detection.estimates, measure_segmentation(cases, labels, bootstrap, classes) if cases else None


def _page(result: PredictionDemo, folder: Path, footer: PageFooter) -> str:
    sections = [
        _summary(result),
        *_image_sections(result.phantoms),
        Section(
            "Next",
            code(
                "\n".join(
                    (
                        "# predict your own images with the same model",
                        "tumorlens predict scan.png",
                        "# all rows, masks and overlays of this page, written again",
                        f"tumorlens predict {folder / 'phantoms' / 'images'} -o predictions --overlays --masks",
                        "# audit your own data before you train",
                        "tumorlens audit path/to/data",
                        '# train, evaluate, explain and export on phantoms; needs pip install ".[train]"',
                        "tumorlens demo --train",
                    )
                )
            ),
        ),
    ]
    subtitle = f"the model {DEFAULT_MODEL} on synthetic phantoms: {result.correct} of {len(result.phantoms)} correct"
    return render_page("tumorlens demo", subtitle, sections, footer)


def _summary(result: PredictionDemo) -> Section:
    total, overall = len(result.phantoms), result.metrics.overall
    headline = [
        Tile("Sensitivity for any tumor", result.detection["sensitivity"]),
        Tile("Specificity", result.detection["specificity"]),
        Tile("Accuracy of four classes", overall["accuracy"]),
    ]
    counts = [Tile("Out of distribution", f"{result.ood} of {total}", hint="flagged: not to be used")]
    if result.segmentation:
        headline.append(Tile("Dice", result.segmentation.overall["dice"], percent=False))
        disagree = sum(one.prediction.consistent is False for one in result.phantoms)
        hint = "a tumor class without a mask, or the reverse"
        counts.append(Tile("Class and mask disagree", f"{disagree} of {total}", hint=hint))
    blocks = note("warning", _PROVES_NOTHING) + tiles(headline) + tiles(counts)
    chart = ConfusionChart(result.metrics.confusion_matrix.tolist(), result.metrics.classes)
    blocks += figure(chart, "Confusion matrix. Rows: reference; columns: prediction.", reading="confusion_matrix")
    lead = f"{result.correct} of {total} phantoms are classified correctly. Each value with its 95 % interval."
    return Section("Results", blocks, lead)


def _image_sections(phantoms: Sequence[PhantomPrediction]) -> list[Section]:
    """The errors, the flagged phantoms, and of the others the first of each class."""
    flagged = [one for one in phantoms if one.prediction.ood]
    others = [one for one in phantoms if not one.prediction.ood]
    wrong = [one for one in others if not one.correct]
    correct = [one for one in others if one.correct]
    first = [
        one for label in phantom.PHANTOM_CLASSES for one in [x for x in correct if x.sample.label == label][:_SHOWN]
    ]
    groups = (
        (
            "Wrong class",
            wrong,
            len(wrong),
            "Left: the phantom with the contour of its reference mask. Right: the contour of the predicted mask, "
            "its diameters, and the heat map of the predicted class.",
        ),
        (
            "Out of distribution",
            flagged,
            len(flagged),
            "The model flags them as unlike its training images, so that their prediction must not be used. "
            f"The class of {sum(one.correct for one in flagged)} of them is correct all the same.",
        ),
        ("Correct class", first, len(correct), f"Chosen by rule: the first {_SHOWN} phantoms of each class."),
    )
    return [
        Section(f"{title}: {_how_many(len(group), n)}", _images(group) if group else (), lead if group else None)
        for title, group, n, lead in groups
    ]


def _how_many(shown: int, total: int) -> str:
    return f"{shown} of {total}" if shown < total else f"all {total}" if total else "none"


def _images(group: Sequence[PhantomPrediction]) -> Blocks:
    blocks = beside_head_note([one.beside_head for one in group])
    return blocks + contact_sheet((one.image() for one in group), 640, wide=True, reading="predictions")
