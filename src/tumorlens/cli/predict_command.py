"""tumorlens predict: model file + images -> predictions, without torch."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import (
    BatchSize,
    Device,
    ExitCode,
    Images,
    Json,
    Panel,
    Threads,
    caveat,
    expand_paths,
    fail,
    in_one_line,
    print_json,
    print_status,
    progress,
)

if TYPE_CHECKING:
    from tumorlens.deploy.prediction import Prediction
    from tumorlens.deploy.prediction_files import PredictionFiles
    from tumorlens.model_card.card import ModelCard

EXAMPLES = (
    "tumorlens predict scan.png",
    "tumorlens predict scans --out-dir results --overlays --masks",
)
_FEW = 20  # images that get a line each although the predictions are written to files

ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        envvar="TUMORLENS_MODEL",
        help="A model file, .onnx, or a model that comes with tumorlens: default, tiny.",
        rich_help_panel=Panel.MODEL,
    ),
]
OutDir = Annotated[
    Path | None,
    typer.Option(
        "--out-dir",
        "-o",
        help="New folder for predictions.jsonl, predictions.csv and run.json; nothing is written by default.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]
Overlays = Annotated[
    bool,
    typer.Option(
        "--overlays/--no-overlays",
        help="Also save the images with heat map or tumor outline (PNG) to --out-dir.",
        rich_help_panel=Panel.OUTPUT,
    ),
]
Masks = Annotated[
    bool,
    typer.Option(
        "--masks/--no-masks",
        help="Also save the predicted tumor masks (PNG, 0/255) to --out-dir.",
        rich_help_panel=Panel.OUTPUT,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Images that are computed at one time; as many as --threads by default.",
        show_default=False,
        rich_help_panel=Panel.HARDWARE,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume",
        help="Go on in --out-dir after the last prediction of an interrupted call.",
        rich_help_panel=Panel.OUTPUT,
    ),
]
Spacing = Annotated[
    str | None,
    typer.Option(
        metavar="MM[,MM]",
        help="Pixel spacing of rows, columns, for files without one.",
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
Coverage = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="Also return the conformal prediction set with this coverage per class (0.95: the set misses the true "
        "class in at most 5 %).",
        show_default=False,
        rich_help_panel=Panel.MODEL,
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
    resume: Resume = False,
    device: Device = "cpu",
    threads: Threads = None,
    jobs: Jobs = None,
    batch_size: BatchSize = 1,
    json: Json = False,
) -> int:
    """Classify images, and segment tumors if the model does. Reports and skips a bad file; the exit code is then 1.

    Out-of-distribution images are flagged; with --coverage the model abstains unless exactly one class remains.
    """
    from tumorlens._record import Record
    from tumorlens._results_folder import claim_folder
    from tumorlens.deploy.prediction_files import PredictionFiles
    from tumorlens.deploy.predictor import available_threads, load
    from tumorlens.errors import ScanError, TumorlensError

    _check_options(out_dir, coverage, {"--overlays": overlays, "--masks": masks, "--resume": resume})
    user_spacing = _millimeters(spacing) if spacing is not None else None
    images = expand_paths(paths)
    threads = threads or available_threads()
    jobs = min(jobs or threads, len(images))
    record = Record("predict", model=model, device=device, threads=threads, jobs=jobs, batch_size=batch_size)
    predictor = load(model, device=device, threads=max(1, threads // jobs))
    if limitation := predictor.check_coverage(coverage):
        caveat(limitation)
    _check_outputs(model, predictor.card, overlays=overlays, masks=masks)
    brief = out_dir is not None and len(images) > _FEW and not json
    failed: list[str] = []
    with ExitStack() as stack:
        files = None
        if out_dir:
            stack.enter_context(claim_folder(out_dir, started=resume and out_dir.exists()))
            record.add(spacing=user_spacing, coverage=coverage)
            files = PredictionFiles(out_dir, predictor, record, overlays=overlays, masks=masks, resume=resume)
            stack.enter_context(files)
        numbered = [(i, image) for i, image in enumerate(images, 1) if not files or str(image) not in files.done]
        step = stack.enter_context(progress()) if brief else None
        predictions = predictor.predict_many(
            (image for _, image in numbered), heatmap=overlays, coverage=coverage, jobs=jobs, batch_size=batch_size
        )
        for done, ((number, _), (source, prediction)) in enumerate(zip(numbered, predictions, strict=True), start=1):
            if step:
                step("predicting", done, len(numbered))
            if isinstance(prediction, TumorlensError):
                failed.append(str(prediction) if isinstance(prediction, ScanError) else f"{source}: {prediction}")
                fail(failed[-1])
                continue
            if user_spacing:
                prediction = prediction.with_spacing(*user_spacing)
            line = files.add(prediction, number) if files else None
            if json:
                print(line, flush=True) if line else print_json(prediction.to_dict())
            elif not brief:
                print(_line(prediction), flush=True)
        if files:
            files.failed += failed
    if files:
        if brief:
            _print_summary(files)
        print_status(f"written: {len(files.done)} predictions in {out_dir}")
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
    source = in_one_line(prediction.source)
    return "; ".join([f"{source}: {prediction.label} ({probability}){tumor}", *prediction.flags])


def _print_summary(files: PredictionFiles) -> None:
    """Print how many images have each class, and how many have each flag."""
    print(", ".join(f"{label}: {n}" for label, n in files.labels.most_common()))
    disagree = "classification and segmentation disagree"
    if flags := [f"{name}: {n}" for name, n in files.flags.items() if n and name != disagree]:
        print(f"of these {', '.join(flags)}")
    if files.flags[disagree]:
        print(f"{disagree}: {files.flags[disagree]}")


def _millimeters(text: str) -> tuple[float, float]:
    """The spacing of rows and of columns; one number stands for both."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(0 < number < math.inf for number in numbers):
        raise typer.BadParameter(f"'{text}' for --spacing; expected millimeters, as 0.5 or, rows first, 0.5,0.9")
    return numbers[0], numbers[-1]
