"""tumorlens predict: model file + images -> predictions, without torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tumorlens.cli.common import (
    BatchSize,
    Device,
    ExitCode,
    Json,
    Panel,
    Threads,
    caveat,
    choice,
    fail,
    in_one_line,
    matching,
    print_json,
    print_status,
    progress,
)
from tumorlens.cli.predict_studies import StudyOptions, predict_studies

if TYPE_CHECKING:
    from tumorlens._record import Record
    from tumorlens.deploy.prediction import Prediction
    from tumorlens.deploy.prediction_files import PredictionFiles
    from tumorlens.deploy.predictor import Predictor
    from tumorlens.model_card.card import ModelCard

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
        help="New folder for predictions (JSON lines, CSV), the files of studies and run.json; nothing by default.",
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
Inputs = Annotated[
    list[str],
    typer.Argument(
        help="Image files, DICOM or NIfTI studies (folders, zip archives, files), or patterns.", show_default=False
    ),
]
Series = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER|UID",
        help="Series of a study; by default it is chosen by its tags (see: tumorlens series).",
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
AnySeries = Annotated[
    bool,
    typer.Option(
        "--any-series/--no-any-series",
        help="Predict also a series that is not known to be T1 after contrast, or is mostly out of distribution.",
        rich_help_panel=Panel.DATA,
    ),
]
Planes = Annotated[
    Literal["auto", "acquired", "three"],
    choice(
        "--planes",
        "auto",
        "acquired",
        "three",
        help="Planes in which a volume is predicted; auto: three where its spacing is nearly isotropic.",
        panel=Panel.MODEL,
    ),
]
VolumeNumber = Annotated[
    int | None,
    typer.Option(
        "--volume",
        min=1,
        help="Number of the volume in a NIfTI file with four dimensions, counted from 1.",
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
Spacing = Annotated[
    str | None,
    typer.Option(
        metavar="MM[,MM[,MM]]",
        help="Spacing of rows, columns, of images without one; of slices, rows, columns, of a volume with a wrong one.",
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
Write = Annotated[
    str | None,
    typer.Option(
        metavar="KIND[,KIND]",
        help="Also write each study for viewers and archives: seg, labelmap, sr, pm, sc (DICOM) and nifti.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
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
    paths: Inputs,
    model: ModelOption = "default",
    out_dir: OutDir = None,
    overlays: Overlays = False,
    masks: Masks = False,
    spacing: Spacing = None,
    series: Series = None,
    any_series: AnySeries = False,
    planes: Planes = "auto",
    volume: VolumeNumber = None,
    write: Write = None,
    coverage: Coverage = None,
    resume: Resume = False,
    device: Device = "cpu",
    threads: Threads = None,
    jobs: Jobs = None,
    batch_size: BatchSize = 1,
    json: Json = False,
) -> int:
    """Classify images or whole studies, and segment tumors. Reports and skips a bad file; the exit code is then 1.

    DICOM and NIfTI studies get findings in 3D, in milliliters. Out-of-distribution images are flagged; with --coverage
    the model abstains unless exactly one class remains.
    """
    from tumorlens._record import Record
    from tumorlens._results_folder import claim_folder
    from tumorlens.deploy.predictor import available_threads, load
    from tumorlens.studies.find_inputs import find_inputs
    from tumorlens.studies.study_rows import check_resumed

    writes = {"--overlays": overlays, "--masks": masks, "--resume": resume, "--write": write is not None}
    _check_options(out_dir, coverage, writes)
    kinds = _kinds(write)
    user_spacing = _millimeters(spacing) if spacing is not None else None
    with progress() as step:
        found = find_inputs(matching(paths), step)
    if found.studies and user_spacing and len(user_spacing) != 3:
        raise typer.BadParameter(f"'{spacing}' for --spacing of a volume; expected slices, rows, columns, as 6,0.9,0.9")
    of_images = {"--overlays": overlays, "--masks": masks, "--coverage": coverage is not None}
    of_studies = {"--series": series is not None, "--any-series": any_series, "--volume": volume is not None}
    of_studies["--write"] = write is not None
    _check_used(of_images, "images", used=bool(found.images or not found.studies))
    _check_used(of_studies, "studies", used=bool(found.studies or not found.images))
    threads = threads or available_threads()
    jobs = jobs or threads if found.studies else min(jobs or threads, max(1, len(found.images)))
    record = Record("predict", model=model, device=device, threads=threads, jobs=jobs, batch_size=batch_size)
    record.add(spacing=user_spacing, coverage=coverage, series=series, any_series=any_series)
    record.add(planes=planes, volume=volume, write=list(kinds))
    predictor = load(model, device=device, threads=max(1, threads // jobs))
    if limitation := predictor.check_coverage(coverage):
        caveat(limitation)
    _check_outputs(model, predictor.card, overlays=overlays, masks=masks)
    for message in found.failed:
        fail(message)
    code = ExitCode.FAILED if found.failed else ExitCode.DONE
    record.add(model_sha256=predictor.sha256, providers=list(predictor.providers))
    with claim_folder(out_dir, started=resume and out_dir.exists()) if out_dir else nullcontext():
        if out_dir and found.studies and resume:
            check_resumed(out_dir, record)
        if found.images:
            options = _ImageOptions(out_dir, overlays, masks, user_spacing, coverage, resume, jobs, batch_size, json)
            code = max(code, _predict_images(predictor, found.images, options, record))
        if found.studies:
            wanted = StudyOptions(out_dir, user_spacing, series, any_series, planes, volume, kinds, jobs, json)
            code = max(code, predict_studies(predictor, found.studies, wanted, record))
    return code


@dataclass(frozen=True)
class _ImageOptions:
    """What is wanted for images; see the options of the command line."""

    out_dir: Path | None
    overlays: bool
    masks: bool
    spacing: tuple[float, ...] | None
    coverage: float | None
    resume: bool
    jobs: int
    batch_size: int
    json: bool


def _predict_images(predictor: Predictor, images: Sequence[Path], wanted: _ImageOptions, record: Record) -> ExitCode:
    """Predict images one by one, print a line for each, and write the files."""
    from tumorlens.deploy.prediction_files import PredictionFiles
    from tumorlens.errors import ScanError, TumorlensError

    brief = wanted.out_dir is not None and len(images) > _FEW and not wanted.json
    failed: list[str] = []
    with ExitStack() as stack:
        files = None
        if wanted.out_dir:
            files = PredictionFiles(
                wanted.out_dir,
                predictor,
                record,
                overlays=wanted.overlays,
                masks=wanted.masks,
                resume=wanted.resume,
            )
            stack.enter_context(files)
        numbered = [(i, image) for i, image in enumerate(images, 1) if not files or str(image) not in files.done]
        step = stack.enter_context(progress()) if brief else None
        predictions = predictor.predict_many(
            (image for _, image in numbered),
            heatmap=wanted.overlays,
            coverage=wanted.coverage,
            jobs=wanted.jobs,
            batch_size=wanted.batch_size,
        )
        for done, ((number, _), (source, prediction)) in enumerate(zip(numbered, predictions, strict=True), start=1):
            if step:
                step("predicting", done, len(numbered))
            if isinstance(prediction, TumorlensError):
                failed.append(str(prediction) if isinstance(prediction, ScanError) else f"{source}: {prediction}")
                fail(failed[-1])
                continue
            if wanted.spacing:
                prediction = prediction.with_spacing(*wanted.spacing[-2:])
            line = files.add(prediction, number) if files else None
            if wanted.json:
                print(line, flush=True) if line else print_json(prediction.to_dict())
            elif not brief:
                print(_line(prediction), flush=True)
        if files:
            files.failed += failed
    if files:
        if brief:
            _print_summary(files)
        print_status(f"written: {len(files.done)} predictions in {wanted.out_dir}")
    return ExitCode.FAILED if failed else ExitCode.DONE


def _check_options(out_dir: Path | None, coverage: float | None, images: dict[str, bool]) -> None:
    """Check that the options make sense together; `images` are options that write images."""
    for name, wanted in images.items():
        if wanted and out_dir is None:
            raise typer.BadParameter(f"{name} needs --out-dir, the folder to write to")
    if coverage is not None and not 0 < coverage < 1:
        raise typer.BadParameter(f"'{coverage:g}' for --coverage; expected more than 0 and less than 1, as 0.95")


def _kinds(text: str | None) -> tuple[str, ...]:
    """The kinds of results that are wanted, checked before anything is predicted.

    Raises:
        MissingExtraError: highdicom is not installed, and a DICOM object is wanted.
    """
    from tumorlens._extras import require
    from tumorlens.studies.result_kinds import DICOM_KINDS, RESULT_KINDS

    if text is None:
        return ()
    kinds = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if unknown := [kind for kind in kinds if kind not in RESULT_KINDS]:
        raise typer.BadParameter(f"'{unknown[0]}' for --write; expected some of {', '.join(RESULT_KINDS)}")
    if set(kinds) & set(DICOM_KINDS):
        require("highdicom", "dicom", "write results as DICOM objects")
    return kinds


def _check_used(options: dict[str, bool], what: str, *, used: bool) -> None:
    """Refuse an option that would change nothing, since only the other kind of input is given."""
    for name, wanted in options.items():
        if wanted and not used:
            raise typer.BadParameter(f"{name} is for {what}, and there are none; leave it out")


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


def _millimeters(text: str) -> tuple[float, ...]:
    """The spacing of rows and of columns, one number for both, or that of slices, rows and columns."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3 or not all(0 < number < math.inf for number in numbers):
        raise typer.BadParameter(
            f"'{text}' for --spacing; expected millimeters, as 0.5, or rows first 0.5,0.9, or slices first 6,0.5,0.9"
        )
    return (numbers[0], numbers[0]) if len(numbers) == 1 else tuple(numbers)
