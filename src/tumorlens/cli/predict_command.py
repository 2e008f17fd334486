"""tumorlens predict: bundle + images -> answers, without torch."""

from __future__ import annotations

import csv
import json as json_format
import math
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorlens.cli.common import Images, Json, caveat, emit, fail, files, progress, say

if TYPE_CHECKING:
    from tumorlens._record import Record
    from tumorlens.deploy.prediction import Prediction
    from tumorlens.model_card.card import ModelCard

_MEASURES = (
    "lesions",
    "diameter_pixels",
    "diameter_mm",
    "perpendicular_pixels",
    "perpendicular_mm",
    "centroid_row",
    "centroid_column",
    "side",
)
_DOUBT = ("ood", "ood_score", "prediction_set", "abstains")
_FEW = 20  # images that get a line each although the answers are written to files


def predict(
    paths: Images,
    model: Annotated[
        str,
        typer.Option("--model", "-m", envvar="TUMORLENS_MODEL", help="A bundle, .onnx, or what ships: default, tiny."),
    ] = "default",
    out: Annotated[
        Path | None, typer.Option(help="Folder for predictions.jsonl, predictions.csv and run.json.")
    ] = None,
    overlays: Annotated[
        bool, typer.Option("--overlays", help="Also draw heat maps and outlines over the scans, as PNG in --out.")
    ] = False,
    masks: Annotated[
        bool, typer.Option("--masks", help="Also write what is drawn as tumor, as PNG (0 and 255) in --out.")
    ] = False,
    spacing: Annotated[
        str | None,
        typer.Option(metavar="MM[,MM]", help="Between rows and between columns, for files that do not say."),
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Name all classes an image may be of; of each, as few as this are missed."),
    ] = None,
    json: Json = False,
) -> int:
    """Name the class of each image. A bad file is reported and skipped; the exit code is then 1.

    An image unlike those the model learned from is marked as outside; with --max-error an unsure one abstains.
    """
    from tumorlens._record import Record
    from tumorlens.deploy.predictor import load
    from tumorlens.errors import ScanError, TumorlensError

    _check(out, coverage, {"--overlays": overlays, "--masks": masks})
    given = _millimeters(spacing) if spacing is not None else None
    record = Record("predict", model=model, device="cpu", spacing=given, coverage=coverage)
    predictor = load(model)
    card = predictor.card
    if short := predictor.check_coverage(coverage):
        caveat(short)
    _check_drawn(model, card, overlays=overlays, masks=masks)
    chosen = files(paths)
    brief = out is not None and len(chosen) > _FEW and not json
    rows: list[dict[str, Any]] = []
    failed: list[str] = []
    with progress("predicting") if brief else nullcontext(lambda done, total: None) as step:
        answers = predictor.predict_many(chosen, heatmap=overlays, coverage=coverage)
        for number, (source, answer) in enumerate(answers, start=1):
            step(number, len(chosen))
            if isinstance(answer, TumorlensError):
                failed.append(str(answer) if isinstance(answer, ScanError) else f"{source}: {answer}")
                fail(failed[-1], 1)
                continue
            if given:
                answer = answer.with_spacing(*given)
            row = answer.to_dict()
            if out and overlays:
                row["overlay"] = _draw(answer, out, number)
            if out and masks:
                row["mask"] = _write_mask(answer, out, number)
            rows.append(row)
            if json:
                emit(row)
            elif not brief:
                print(_line(answer), flush=True)
    if brief:
        print(", ".join(f"{label}: {n}" for label, n in Counter(row["label"] for row in rows).most_common()))
        if doubted := _doubted(rows):
            print(doubted)
        if odd := sum(row["consistent"] is False for row in rows):
            print(f"what is named and what is drawn disagree in {odd}")
    if out:
        record.add(split_hash=card.training["split_hash"], done=len(rows), failed=failed)
        _write(rows, card, out, record)
        say(f"written: {len(rows)} predictions in {out}")
    return 1 if failed else 0


def _check(out: Path | None, coverage: float | None, drawn: dict[str, bool]) -> None:
    """See that the options make sense together; `drawn` is what is to be drawn into the folder."""
    for name, wanted in drawn.items():
        if wanted and out is None:
            raise typer.BadParameter(f"{name} needs --out, the folder to draw into")
    if coverage is not None and not 0 < coverage < 1:
        raise typer.BadParameter(f"'{coverage:g}' for --max-error; expected more than 0 and less than 1, as 0.05")


def _check_drawn(model: str, card: ModelCard, *, overlays: bool, masks: bool) -> None:
    """See that the bundle gives what is to be drawn.

    Raises:
        BundleError: it does not.
    """
    from tumorlens.errors import ModelFileError

    if overlays and not (card.heatmap or card.segments):
        raise ModelFileError(
            f"{model}: {card.model} gives no heat maps in a bundle; "
            "leave out --overlays, or draw them with: tumorlens explain RUN"
        )
    if masks and not card.segments:
        raise ModelFileError(f"{model}: {card.model} names tumors and draws none; leave out --masks")


def _line(answer: Prediction) -> str:
    """One answer, with all that speaks against it."""
    drawn = f", {answer.tumor}" if answer.tumor else ""
    return "; ".join([f"{answer.source}: {answer.label} ({answer.probability:.1%}){drawn}", *answer.flags])


def _doubted(rows: list[dict[str, Any]]) -> str:
    """How many answers should not be used, and why; empty where there are none."""
    ood = sum(bool(row["ood"]) for row in rows)
    unsure = sum(row["abstains"] for row in rows) - ood
    parts = [f"outside of what this model is for: {ood}"] * bool(ood) + [f"unsure: {unsure}"] * bool(unsure)
    return f"of these {', '.join(parts)}" if parts else ""


def _millimeters(text: str) -> tuple[float, float]:
    """One number, or that of rows and that of columns."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(0 < number < math.inf for number in numbers):
        raise typer.BadParameter(f"'{text}' for --spacing; expected millimeters, as 0.5 or, rows first, 0.5,0.9")
    return numbers[0], numbers[-1]


def _draw(answer: Prediction, out: Path, number: int) -> str:
    """Draw the overlay of one answer; its path from `out`."""
    from tumorlens.report import marked, overlay, save_png, side_by_side
    from tumorlens.scan import read_scan

    gray = read_scan(answer.source).gray()
    name = f"overlays/{number:04d}_{Path(answer.source).stem}_{answer.label}.png"
    largest = answer.tumor.largest if answer.tumor else None
    lines = [(line.start, line.end) for line in (largest.diameter, largest.perpendicular)] if largest else []
    both = side_by_side([overlay(gray), overlay(gray, answer.heatmap, answer.mask, lines=lines)])
    save_png(marked(both, "; ".join([answer.label, *answer.flags])) if answer.flags else both, out / name)
    return name


def _write_mask(answer: Prediction, out: Path, number: int) -> str:
    """Write the mask of one answer as an image of its own, 0 and 255; its path from `out`."""
    from PIL import Image

    from tumorlens.report import save_png

    assert answer.mask is not None  # the bundle segments
    name = f"masks/{number:04d}_{Path(answer.source).stem}.png"
    save_png(Image.fromarray(answer.mask * 255), out / name)
    return name


def _write(rows: list[dict[str, Any]], card: ModelCard, folder: Path, record: Record) -> None:
    """predictions.jsonl, predictions.csv and run.json; each appears when it is whole."""
    from tumorlens._files import atomic_write
    from tumorlens._record import SURROGATES

    with atomic_write(folder / "predictions.jsonl") as part:
        lines = "".join(json_format.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        part.write_text(lines, encoding="utf-8", errors=SURROGATES)
    with (
        atomic_write(folder / "predictions.csv") as part,
        part.open("w", newline="", encoding="utf-8", errors=SURROGATES) as stream,
    ):
        table = csv.writer(stream, lineterminator="\n")
        names = ["tumor_pixels", "tumor_mm2", "consistent", "mask", *_MEASURES] if card.segments else []
        table.writerow(["source", "label", *(f"p_{name}" for name in card.classes), *_DOUBT, "overlay", *names])
        for row in rows:
            cells = [row["probabilities"][name] for name in card.classes] + _doubt(row) + [row.get("overlay", "")]
            if card.segments:
                cells += [row["tumor"]["pixels"], row["tumor"]["mm2"], row["consistent"], row.get("mask", "")]
                cells += _measures(row["tumor"])
            table.writerow([row["source"], row["label"], *cells])
    record.add(outputs=["predictions.jsonl", "predictions.csv"])
    record.write(folder)


def _doubt(row: dict[str, Any]) -> list[Any]:
    """The cells of `_DOUBT`: empty where the bundle cannot say or was not asked; a bar stands between classes."""
    prediction_set = row["prediction_set"]
    known = ["" if row[name] is None else row[name] for name in ("ood", "ood_score")]
    return [*known, "" if prediction_set is None else "|".join(prediction_set), row["abstains"]]


def _measures(tumor: dict[str, Any]) -> list[Any]:
    """The cells of `_MEASURES`: how many lesions, and what was measured of the largest; empty where none is drawn."""
    largest = tumor["largest"]
    if not largest:
        return [0] + [""] * (len(_MEASURES) - 1)
    lines = [largest[name][unit] for name in ("diameter", "perpendicular") for unit in ("pixels", "mm")]
    return [tumor["lesions"], *lines, *largest["centroid"], largest["side"]]
