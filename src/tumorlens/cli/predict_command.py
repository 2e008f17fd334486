"""tumorlens predict: model file + images -> predictions, without torch."""

from __future__ import annotations

import csv
import json as json_format
import math
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorlens._progress import silent
from tumorlens.cli.common import (
    SCHEMA_VERSION,
    ExitCode,
    Images,
    Json,
    caveat,
    expand_paths,
    fail,
    print_json,
    print_status,
    progress,
)

if TYPE_CHECKING:
    from tumorlens._record import Record
    from tumorlens.deploy.prediction import Prediction
    from tumorlens.model_card.card import ModelCard

_LARGEST_LESION = (
    "diameter_pixels",
    "diameter_mm",
    "perpendicular_pixels",
    "perpendicular_mm",
    "centroid_row",
    "centroid_column",
    "side",
)
_SEGMENTATION = ("tumor_pixels", "tumor_mm2", "consistent", "mask", "lesions", *_LARGEST_LESION)
_RELIABILITY = ("ood", "ood_score", "prediction_set", "abstains")
_FEW = 20  # images that get a line each although the predictions are written to files

ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        envvar="TUMORLENS_MODEL",
        help="A model file, .onnx, or a model that comes with tumorlens: default, tiny.",
    ),
]
OutDir = Annotated[
    Path | None,
    typer.Option(
        "--out-dir",
        "-o",
        help="Folder for predictions.jsonl, predictions.csv and run.json; nothing is written by default.",
        show_default=False,
    ),
]
Overlays = Annotated[
    bool, typer.Option("--overlays", help="Also save the images with heat map or tumor outline (PNG) to --out-dir.")
]
Masks = Annotated[bool, typer.Option("--masks", help="Also save the predicted tumor masks (PNG, 0/255) to --out-dir.")]
Spacing = Annotated[
    str | None,
    typer.Option(metavar="MM[,MM]", help="Pixel spacing of rows, columns, for files without one.", show_default=False),
]
Coverage = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Also return the conformal prediction set with this coverage per class (0.95: the set misses the true "
        "class in at most 5 %).",
        show_default=False,
    ),
]


def predict(
    paths: Images,
    model: ModelOption = "default",
    out_dir: OutDir = None,
    overlays: Overlays = False,
    masks: Masks = False,
    spacing: Spacing = None,
    coverage: Coverage = None,
    json: Json = False,
) -> int:
    """Classify images, and segment tumors if the model does. Reports and skips a bad file; the exit code is then 1.

    Out-of-distribution images are flagged; with --coverage the model abstains unless exactly one class remains.
    """
    from tumorlens._record import Record
    from tumorlens.deploy.predictor import load
    from tumorlens.errors import ScanError, TumorlensError

    _check_options(out_dir, coverage, {"--overlays": overlays, "--masks": masks})
    user_spacing = _millimeters(spacing) if spacing is not None else None
    record = Record("predict", model=model, device="cpu", spacing=user_spacing, coverage=coverage)
    predictor = load(model)
    card = predictor.card
    if limitation := predictor.check_coverage(coverage):
        caveat(limitation)
    _check_outputs(model, card, overlays=overlays, masks=masks)
    images = expand_paths(paths)
    brief = out_dir is not None and len(images) > _FEW and not json
    rows: list[dict[str, Any]] = []
    failed: list[str] = []
    with progress() if brief else nullcontext(silent) as step:
        predictions = predictor.predict_many(images, heatmap=overlays, coverage=coverage)
        for number, (source, prediction) in enumerate(predictions, start=1):
            step("predicting", number, len(images))
            if isinstance(prediction, TumorlensError):
                failed.append(str(prediction) if isinstance(prediction, ScanError) else f"{source}: {prediction}")
                fail(failed[-1])
                continue
            if user_spacing:
                prediction = prediction.with_spacing(*user_spacing)
            row = {"schema_version": SCHEMA_VERSION, **prediction.to_dict()}
            if out_dir and overlays:
                row["overlay"] = _write_overlay(prediction, out_dir, number)
            if out_dir and masks:
                row["mask"] = _write_mask(prediction, out_dir, number)
            rows.append(row)
            if json:
                print_json(row)
            elif not brief:
                print(_line(prediction), flush=True)
    if brief:
        _print_summary(rows)
    if out_dir:
        record.add(split_hash=card.training.split_hash, done=len(rows), failed=failed)
        _write(rows, card, out_dir, record)
        print_status(f"written: {len(rows)} predictions in {out_dir}")
    return ExitCode.FAILED if failed else ExitCode.DONE


def _check_options(out_dir: Path | None, coverage: float | None, images: dict[str, bool]) -> None:
    """Check that the options make sense together; `images` are options that write images."""
    for name, wanted in images.items():
        if wanted and out_dir is None:
            raise typer.BadParameter(f"{name} needs --out-dir, the folder to write to")
    if coverage is not None and not 0 < coverage < 1:
        raise typer.BadParameter(f"'{coverage:g}' for --coverage; expected more than 0 and less than 1, as 0.95")


def _check_outputs(model: str, card: ModelCard, *, overlays: bool, masks: bool) -> None:
    """Check that the model has the outputs that are to be written.

    Raises:
        ModelFileError: it does not.
    """
    from tumorlens.errors import ModelFileError

    if overlays and not (card.heatmap or card.segments):
        raise ModelFileError(
            file=model,
            found=f"a model file of {card.model} has no heat maps",
            advice="leave out --overlays, or write heat maps with: tumorlens explain RUN",
        )
    if masks and not card.segments:
        raise ModelFileError(file=model, found="classifies and does not segment", advice="leave out --masks")


def _line(prediction: Prediction) -> str:
    """One prediction with its flags."""
    from tumorlens.report.text import number

    probability = number(prediction.probability, percent=True)
    tumor = f", {prediction.tumor}" if prediction.tumor else ""
    return "; ".join([f"{prediction.source}: {prediction.label} ({probability}){tumor}", *prediction.flags])


def _print_summary(rows: list[dict[str, Any]]) -> None:
    """Print how many images have each class, and how many have each flag."""
    print(", ".join(f"{label}: {n}" for label, n in Counter(row["label"] for row in rows).most_common()))
    ood = sum(bool(row["ood"]) for row in rows)
    uncertain = sum(row["abstains"] for row in rows) - ood
    flagged = [f"out of distribution: {ood}"] * bool(ood) + [f"uncertain: {uncertain}"] * bool(uncertain)
    if flagged:
        print(f"of these {', '.join(flagged)}")
    if inconsistent := sum(row["consistent"] is False for row in rows):
        print(f"classification and segmentation disagree: {inconsistent}")


def _millimeters(text: str) -> tuple[float, float]:
    """The spacing of rows and of columns; one number stands for both."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(0 < number < math.inf for number in numbers):
        raise typer.BadParameter(f"'{text}' for --spacing; expected millimeters, as 0.5 or, rows first, 0.5,0.9")
    return numbers[0], numbers[-1]


def _write_overlay(prediction: Prediction, out_dir: Path, number: int) -> str:
    """Write the image beside its overlay; returns the path from `out_dir`."""
    from tumorlens.report import marked, overlay, save_png, side_by_side

    name = f"overlays/{number:04d}_{Path(prediction.source).stem}_{prediction.label}.png"
    both = side_by_side([overlay(prediction.gray), prediction.overlay()])
    title = "; ".join([prediction.label, *prediction.flags])
    save_png(marked(both, title) if prediction.flags else both, out_dir / name)
    return name


def _write_mask(prediction: Prediction, out_dir: Path, number: int) -> str:
    """Write the predicted mask as an image, 0 and 255; returns the path from `out_dir`."""
    from PIL import Image

    from tumorlens.report import save_png

    assert prediction.mask is not None  # the model segments
    name = f"masks/{number:04d}_{Path(prediction.source).stem}.png"
    save_png(Image.fromarray(prediction.mask * 255), out_dir / name)
    return name


def _write(rows: list[dict[str, Any]], card: ModelCard, folder: Path, record: Record) -> None:
    """Write predictions.jsonl, predictions.csv and run.json, each whole or not at all."""
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
        segmentation = _SEGMENTATION if card.segments else ()
        probabilities = [f"p_{name}" for name in card.classes]
        table.writerow(["source", "label", *probabilities, *_RELIABILITY, "overlay", *segmentation])
        for row in rows:
            cells = [row["probabilities"][name] for name in card.classes]
            cells += [*_reliability_cells(row), row.get("overlay", "")]
            if card.segments:
                cells += [row["tumor"]["pixels"], row["tumor"]["mm2"], row["consistent"], row.get("mask", "")]
                cells += [row["tumor"]["lesions"], *_lesion_cells(row["tumor"]["largest"])]
            table.writerow([row["source"], row["label"], *cells])
    record.add(outputs=["predictions.jsonl", "predictions.csv"])
    record.write(folder)


def _reliability_cells(row: dict[str, Any]) -> list[Any]:
    """The cells of `_RELIABILITY`; empty where the model has no such output. Classes of a set are separated by bars."""
    prediction_set = row["prediction_set"]
    known = ["" if row[name] is None else row[name] for name in ("ood", "ood_score")]
    return [*known, "" if prediction_set is None else "|".join(prediction_set), row["abstains"]]


def _lesion_cells(largest: dict[str, Any] | None) -> list[Any]:
    """The cells of `_LARGEST_LESION`; empty for an empty mask."""
    if not largest:
        return [""] * len(_LARGEST_LESION)
    lines = [largest[name][unit] for name in ("diameter", "perpendicular") for unit in ("pixels", "mm")]
    return [*lines, *largest["centroid"], largest["side"]]
