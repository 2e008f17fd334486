"""The whole house on phantoms: draw, ask what ships, split, train, evaluate, explain, export, predict, and one page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from tumorlens._record import Record
from tumorlens.auditing import split_folds
from tumorlens.datasets import open_table, phantom, read_sample_mask
from tumorlens.deploy.export import export
from tumorlens.deploy.predictor import load
from tumorlens.deploy.shipped import DEFAULT_MODEL
from tumorlens.evaluation import Evaluation, evaluate, evaluation_sections, write_evaluation
from tumorlens.explanation import explain
from tumorlens.model_card.card import ModelCard
from tumorlens.report import (
    CaptionedImage,
    Section,
    code,
    contact_sheet,
    figure,
    note,
    overlay,
    render_page,
    save_page,
    save_png,
    side_by_side,
    table,
)
from tumorlens.scan import read_scan
from tumorlens.training import Run, load_recipe, train

PATIENTS, SLICES = 160, 3
NEW_PATIENTS = 8


@dataclass
class _Steps:
    """Says each step when it begins, and keeps how long it took."""

    console: Console
    seconds: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        self.console.print(f"{len(self.seconds) + 1}. {what}", style="bold", highlight=False)
        begun = time.perf_counter()
        yield
        self.seconds.append((what, time.perf_counter() - begun))


def demo(folder: Path, *, seed: int = 0, console: Console | None = None) -> Path:
    """Go the whole way on drawn heads, without network, data or pretrained weights.

    Args:
        folder: a new folder for everything that is made.
        seed: of phantoms, split and training.
        console: where progress is shown; None for silence.

    Returns:
        The path of one self-contained HTML report.

    Raises:
        DataError: the folder is not empty.
    """
    steps = _Steps(console or Console(quiet=True))
    record = Record("demo", seed=seed)
    with steps.step(f"drawing {PATIENTS} phantom heads, {SLICES} slices each"):
        phantom.make(folder / "phantoms", patients=PATIENTS, slices=SLICES, seed=seed)
        phantom.make(folder / "new", patients=NEW_PATIENTS, slices=1, seed=seed + 1)
    with steps.step("asking the model that comes with tumorlens about new ones"):
        shipped = _predicted(folder / "new", DEFAULT_MODEL)
    with steps.step("splitting them by patient, and training a small network"):
        split = split_folds(open_table(folder / "phantoms"), folds=3, fold=0, val=0.15, seed=seed)
        run = train(split, load_recipe("demo"), folder / "run", seed=seed, console=steps.console)
    with steps.step("evaluating it on patients it has never seen"):
        found = evaluate(run, seed=seed)
        write_evaluation(run, found, run.evaluation_folder(), Record("evaluate"))
        steps.console.print(f"   accuracy {found.metrics.overall['accuracy'].percent()}", highlight=False)
    with steps.step("explaining it: Grad-CAM on new phantoms"):
        _write_overlays(run, folder / "new", folder / "overlays")
    with steps.step("exporting it to one ONNX file, and comparing the answers"):
        card = export(run, folder / "model.onnx")
    with steps.step("predicting new phantoms with ONNX Runtime, without torch"):
        answers = _predicted(folder / "new", folder / "model.onnx")
    sections = [
        _what_this_is(folder, steps, card),
        Section(
            "The phantoms",
            figure(
                phantom.contact_sheet(seed), "Drawn heads: four classes, three planes.", "Contact sheet of phantoms"
            ),
        ),
        Section(
            "New phantoms, and the model that comes with tumorlens",
            contact_sheet(shipped),
            _of_strangers(shipped),
        ),
        *evaluation_sections(run, found),
        Section(
            "New phantoms, predicted by the bundle",
            contact_sheet(answers),
            "Left the slice with the outline of the drawn tumor; right what spoke for the answer.",
        ),
    ]
    report = folder / "report.html"
    save_page(render_page("tumorlens demo", _subtitle(found), sections), report)
    record.add(split_hash=split.split_hash, steps=dict(steps.seconds), outputs=["report.html", "model.onnx", "run"])
    record.write(folder)
    return report


def _subtitle(found: Evaluation) -> str:
    return f"the whole way on drawn heads: accuracy {found.metrics.overall['accuracy'].percent()}"


def _of_strangers(shipped: list[CaptionedImage]) -> str:
    """How the shipped model fared on drawings."""
    right = sum(image.mark == "right" for image in shipped)
    ood = sum(image.mark is None for image in shipped)
    return (
        f"It learned from patients and never saw a drawing: {right} of {len(shipped)} are named right, and {ood} "
        "marked as outside of what it is for. It is no judge of drawings, and does not always know it. Left the true "
        "outline; right what it draws, and what spoke for its answer."
    )


def _what_this_is(folder: Path, steps: _Steps, card: ModelCard) -> Section:
    body = note(
        "info",
        "Phantoms are drawings. The figures here show that the software works; they say nothing about patients.",
    )
    body += table(["step", "seconds"], [[what, f"{spent:.1f}"] for what, spent in steps.seconds], "lr")
    body += note(
        "info",
        f"The exported file answers as the network does: on {card.parity.images} images the largest "
        f"difference in a probability is {card.parity.largest_difference:.1e}.",
    )
    body += code(
        "\n".join(
            (
                "# the same with your own data",
                "tumorlens train path/to/data --out my-run",
                "tumorlens evaluate my-run",
                "tumorlens export my-run",
                "tumorlens predict scan.png --model my-run/model.onnx",
                "# and what this demo made",
                f"tumorlens predict {folder / 'new' / 'images'} -m {folder / 'model.onnx'} --out answers --overlays",
            )
        )
    )
    return Section("What happened", body)


def _write_overlays(run: Run, images: Path, out: Path) -> None:
    for item in explain(run, sorted((images / "images").iterdir())):
        if isinstance(item, Exception):
            raise item
        out.mkdir(parents=True, exist_ok=True)
        both = side_by_side([overlay(item.gray), overlay(item.gray, item.heatmap)])
        save_png(both, out / f"{item.path.stem}_{item.target}.png")


def _predicted(folder: Path, bundle: str | Path) -> list[CaptionedImage]:
    predictor = load(bundle)
    images = []
    for sample in open_table(folder).samples:
        answer = predictor.predict(sample.image)
        gray = read_scan(sample.image).gray()
        outline = read_sample_mask(sample)
        right = answer.label == sample.label
        abstention_reason = "\noutside" if answer.ood else ""
        images.append(
            CaptionedImage(
                side_by_side([overlay(gray, contour=outline), overlay(gray, answer.heatmap, answer.mask)]),
                f"{answer.label} ({answer.probability:.0%})\nin truth {sample.label}{abstention_reason}",
                f"phantom of class {sample.label}, predicted {answer.label}",
                None if abstention_reason else "right" if right else "wrong",
            )
        )
    return images
