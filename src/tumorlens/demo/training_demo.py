"""Synthetic phantoms -> one report of the whole pipeline, from the split to predictions with the exported model."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens._record import Record
from tumorlens._results_folder import claim_folder
from tumorlens.auditing import split_folds
from tumorlens.datasets import open_table, phantom, read_sample_mask
from tumorlens.deploy.export import export
from tumorlens.deploy.predictor import load
from tumorlens.deploy.shipped import DEFAULT_MODEL
from tumorlens.evaluation import Evaluation, evaluate, evaluation_sections, write_evaluation
from tumorlens.explanation import explain
from tumorlens.model_card.card import ModelCard
from tumorlens.report import (
    Blocks,
    CaptionedImage,
    PageFooter,
    Section,
    code,
    contact_sheet,
    figure,
    note,
    overlay,
    render_page,
    save_overlay,
    save_page,
    side_by_side,
    table,
)
from tumorlens.report.heat import beside_head_note, beside_head_text, share_beside_head
from tumorlens.report.text import percentage
from tumorlens.scan import read_scan
from tumorlens.training import Run, load_recipe, train

LOGGER = logging.getLogger(__name__)

PATIENTS, SLICES = 160, 3
NEW_PATIENTS = 8


@dataclass
class _StepTimer:
    """Logs each step when it begins, and measures its seconds."""

    seconds: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        LOGGER.info("%d. %s", len(self.seconds) + 1, what)
        started = time.perf_counter()
        yield
        self.seconds.append((what, time.perf_counter() - started))


def training_demo(folder: Path, *, seed: int = 0, progress: ProgressOption = None) -> Path:
    """Run the whole pipeline on synthetic phantoms, without network, data or pretrained weights.

    Args:
        folder: a new folder for all results.
        seed: random seed of phantoms, split and training.
        progress: a callable, True for bars, None for silence; each step is also a log message.

    Returns:
        The path of one self-contained HTML report.

    Raises:
        ResultsFolderError: the folder is not empty, or another process is writing to it.
    """
    with progress_of(progress) as shown, claim_folder(folder):
        return _training_demo(folder, seed, _StepTimer(), shown)


def _training_demo(folder: Path, seed: int, steps: _StepTimer, progress: Progress) -> Path:
    record = Record("demo", seed=seed)
    with steps.step(f"generating {PATIENTS} phantoms, {SLICES} slices each"):
        phantom.make(folder / "phantoms", patients=PATIENTS, slices=SLICES, seed=seed, progress=progress)
        phantom.make(folder / "new", patients=NEW_PATIENTS, slices=1, seed=seed + 1)
    with steps.step("predicting new phantoms with the model that comes with tumorlens"):
        shipped = _predicted(folder / "new", DEFAULT_MODEL)
    with steps.step("splitting the phantoms by patient, and training a small network"):
        split = split_folds(open_table(folder / "phantoms"), folds=3, fold=0, val=0.15, seed=seed)
        run = train(split, load_recipe("demo"), folder / "run", seed=seed, progress=progress)
    with steps.step("evaluating the network on patients it was not trained on"):
        evaluation = evaluate(run, seed=seed, progress=progress)
        write_evaluation(run, evaluation)
        LOGGER.info("   accuracy %s", evaluation.metrics.overall["accuracy"].percent())
    with steps.step("explaining the network: Grad-CAM on new phantoms"):
        _write_overlays(run, folder / "new", folder / "overlays")
    with steps.step("exporting the network as one ONNX file, and comparing the predictions"):
        card = export(run, folder / "model.onnx", progress=progress)
    with steps.step("predicting new phantoms with ONNX Runtime, without torch"):
        predicted = _predicted(folder / "new", folder / "model.onnx")
    sections = [
        _summary(folder, steps, card),
        Section(
            "The phantoms",
            figure(
                phantom.contact_sheet(seed, patients=1),
                "Synthetic phantoms: four classes, each in three planes. No scale: a phantom has no true size.",
                "Contact sheet of phantoms",
            ),
            "What the network was trained and tested on.",
        ),
        Section(
            "New phantoms, and the model that comes with tumorlens",
            _sheet(shipped),
            _shipped_model_note([image for image, _ in shipped]),
        ),
        *evaluation_sections(run, evaluation),
        Section(
            "New phantoms, predicted by the exported model",
            _sheet(predicted),
            "Left: the slice with the outline of the reference mask. Right: the heat map of the predicted class.",
        ),
    ]
    report = folder / "report.html"
    footer = PageFooter.of(record.facts, data_fingerprint=evaluation.facts.data_fingerprint)
    save_page(render_page("tumorlens demo", _subtitle(evaluation), sections, footer), report)
    record.add(split_hash=split.split_hash, steps=dict(steps.seconds), outputs=["report.html", "model.onnx", "run"])
    record.write(folder)
    return report


def _subtitle(evaluation: Evaluation) -> str:
    return f"the whole pipeline on synthetic phantoms: accuracy {evaluation.metrics.overall['accuracy'].percent()}"


def _sheet(predicted: list[tuple[CaptionedImage, float | None]]) -> Blocks:
    """The images, below a caveat where maps glow beside the head."""
    images = contact_sheet((image for image, _ in predicted), 640, wide=True, reading="predictions")
    return beside_head_note([share for _, share in predicted]) + images


def _shipped_model_note(shipped: list[CaptionedImage]) -> str:
    """The results of the shipped model on phantoms, in words."""
    correct = sum(image.mark == "right" for image in shipped)
    ood = sum(image.mark is None for image in shipped)
    return (
        f"This model was trained on patients, never on phantoms: it classifies {correct} of {len(shipped)} correctly "
        f"and flags {ood} as out-of-distribution. It is not made for phantoms, and does not flag all of them. "
        "Left: the outline of the reference mask. Right: the predicted mask and the heat map."
    )


def _summary(folder: Path, steps: _StepTimer, card: ModelCard) -> Section:
    body = note(
        "info",
        "Phantoms are synthetic. The metrics here show that the software works; they say nothing about patients.",
    )
    body += table(
        ["step", "seconds"], [[what, f"{spent:.1f}"] for what, spent in steps.seconds], "lr", reading="demo_steps"
    )
    body += note(
        "info",
        f"The exported file gives the predictions of the network: on {card.parity.images} images the largest "
        f"difference of a probability is {card.parity.largest_difference:.1e}.",
    )
    body += code(
        "\n".join(
            (
                "# the same with your own data",
                "tumorlens train path/to/data -o my-run",
                "tumorlens evaluate my-run",
                "tumorlens export my-run",
                "tumorlens predict scan.png --model my-run/model.onnx",
                "# and with the files of this demo",
                f"tumorlens predict {folder / 'new' / 'images'} -m {folder / 'model.onnx'} -o predictions --overlays",
            )
        )
    )
    return Section("Steps", body, "Everything that ran, with its time, and the same commands for your own data.")


def _write_overlays(run: Run, images: Path, out: Path) -> None:
    for item in explain(run, sorted((images / "images").iterdir())):
        if isinstance(item, Exception):
            raise item
        out.mkdir(parents=True, exist_ok=True)
        both = side_by_side([overlay(item.gray), overlay(item.gray, item.heatmap)])
        save_overlay(both, out / f"{item.path.stem}_{item.target}.png")


def _predicted(folder: Path, model: str | Path) -> list[tuple[CaptionedImage, float | None]]:
    """Each image with its reference mask beside its prediction, and the share of its map beside the head."""
    predictor = load(model)
    images = []
    for sample in open_table(folder).samples:
        prediction = predictor.predict(sample.image)
        gray = read_scan(sample.image).gray()
        reference = overlay(gray, reference=read_sample_mask(sample))
        mark: Literal["right", "wrong"] = "right" if prediction.label == sample.label else "wrong"
        share = None if prediction.heatmap is None else share_beside_head(gray, prediction.heatmap)
        lines = [
            f"{prediction.label} ({percentage(prediction.probability)})",
            f"reference {sample.label}",
            *prediction.flags,
            beside_head_text(share),
        ]
        image = CaptionedImage(
            side_by_side([reference, prediction.overlay()]),
            "\n".join(filter(None, lines)),
            f"phantom of class {sample.label}, predicted {prediction.label}",
            None if prediction.ood else mark,
        )
        images.append((image, share))
    return images
