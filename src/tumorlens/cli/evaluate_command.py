"""tumorlens evaluate: run -> metrics with confidence intervals, and a report."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from tumorlens.cli.common import (
    AllowBoxMasks,
    BatchSize,
    BootstrapSize,
    Device,
    Json,
    Panel,
    Seed,
    Threads,
    Unannotated,
    caveat,
    choice,
    grid,
    loading,
    output_folder,
    print_json,
    print_status,
    progress,
    show,
    use_threads,
)

if TYPE_CHECKING:
    from tumorlens.evaluation import Evaluation
    from tumorlens.evaluation.evaluation_options import EvaluationOptions
    from tumorlens.report import Section

RunFolder = Annotated[
    Path,
    typer.Argument(
        help="The folder of a finished run; the name of a model that comes with tumorlens; or predictions of another "
        "tool: a .csv, a folder of masks, an .onnx file, a state dict.",
        show_default=False,
    ),
]
_OVERALL = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "macro_auroc", "brier", "ece")
_PER_CLASS = ("sensitivity", "specificity")


def analysis_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb one pair of options for each analysis of the registry, and one for its limit where it has one.

    Args:
        verb: takes `analyses` and `limits` in place of these options, as `tumorlens.evaluate` does.
    """
    from tumorlens.evaluation.analyses import registry

    known = registry()
    options: dict[str, tuple[object, object]] = {}
    for name, analysis in known.items():
        switch = typer.Option(help=analysis.help, rich_help_panel=Panel.ANALYSES)
        options[name] = (Annotated[bool, switch], analysis.enabled)
        if analysis.limit is not None:
            text = f"Images for --{name.replace('_', '-')}, spread over patients; 0 for all."
            limit = typer.Option(min=0, help=text, rich_help_panel=Panel.ANALYSES)
            options[f"{name}_limit"] = (Annotated[int, limit], analysis.limit)

    def command(**values: Any) -> None:
        analyses = {name: values.pop(name) for name in known}
        limits = {name: values.pop(f"{name}_limit") for name in known if f"{name}_limit" in values}
        verb(**values, analyses=analyses, limits=limits)

    hints = get_type_hints(verb, include_extras=True)
    own = [
        one.replace(annotation=hints[name])
        for name, one in inspect.signature(verb).parameters.items()
        if name not in ("analyses", "limits")
    ]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in options.items()
    ]
    every = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own] + more
    command.__name__, command.__doc__ = verb.__name__, verb.__doc__
    command.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in every}
    return command


Prevalence = Annotated[
    float | None,
    typer.Option(
        help="Share of tumors, such as 0.05, for predictive values; none by default.",
        show_default=False,
        rich_help_panel=Panel.STATISTICS,
    ),
]
OutDir = Annotated[
    Path | None,
    typer.Option(
        "--out-dir",
        "-o",
        help="Folder for the results; by default RUN/evaluations/NAME, or runs/evaluate/NAME for another tool.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]
ExternalData = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help="External data instead of the run's own, or the images of another tool; repeatable.",
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
SubsetOption = Annotated[
    Literal["test", "val"] | None,
    choice(
        "--subset",
        "test",
        "val",
        help="Subset of the run's own data, test by default; or of the data of another tool.",
        panel=Panel.DATA,
    ),
]
MaskFolder = Annotated[
    Path | None,
    typer.Option(
        "--masks",
        help="Folder of predicted masks of another tool, called like the images.",
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
TrainedOn = Annotated[
    list[str] | None,
    typer.Option(
        "--trained-on",
        help="Training data of another tool, to find leaks; repeatable.",
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
DescriptionFile = Annotated[
    Path | None,
    typer.Option(
        "--description",
        help="YAML file that describes an ONNX file of another tool, or input and classes of a state dict.",
        show_default=False,
        rich_help_panel=Panel.MODEL,
    ),
]
MaskLabels = Annotated[
    str | None,
    typer.Option(
        "--mask-labels",
        help="Values of predicted masks of volumes that count as tumor, such as 1,3; all but 0 by default.",
        show_default=False,
        rich_help_panel=Panel.DATA,
    ),
]
ResampleMasks = Annotated[
    bool,
    typer.Option(
        "--resample-masks",
        help="Resample predicted masks on another grid than their volume, to the nearest voxel.",
        rich_help_panel=Panel.DATA,
    ),
]
NetworkName = Annotated[
    str | None,
    typer.Option(
        "--network",
        help="Architecture of a state dict (.safetensors, .pt), as in: tumorlens networks list.",
        show_default=False,
        rich_help_panel=Panel.MODEL,
    ),
]
UnmatchedOption = Annotated[
    Literal["error", "ignore"],
    choice(
        "--unmatched",
        "error",
        "ignore",
        help="Images without prediction and predictions without image: stop, or leave them out.",
        panel=Panel.DATA,
    ),
]


@analysis_options
def evaluate(
    run: RunFolder,
    data: ExternalData = None,
    subset: SubsetOption = None,
    masks: MaskFolder = None,
    trained_on: TrainedOn = None,
    description: DescriptionFile = None,
    network: NetworkName = None,
    mask_labels: MaskLabels = None,
    resample_masks: ResampleMasks = False,
    unmatched: UnmatchedOption = "error",
    out_dir: OutDir = None,
    unannotated: Unannotated = "error",
    allow_box_masks: AllowBoxMasks = False,
    prevalence: Prevalence = None,
    n_resamples: BootstrapSize = 2000,
    seed: Seed = 0,
    device: Device = "cpu",
    threads: Threads = None,
    batch_size: BatchSize = 32,
    json: Json = False,
    *,
    analyses: Mapping[str, bool],
    limits: Mapping[str, int],
) -> None:
    """Evaluate a run on patients it was not trained on, or the predictions of another tool.

    Every metric has a 95 % interval over patients.
    """
    from tumorlens.deploy.shipped import model_path
    from tumorlens.evaluation.evaluation_options import EvaluationOptions

    run = model_path(run)
    options = EvaluationOptions(allow_box_masks, prevalence, analyses, limits, n_resamples, seed, batch_size)
    if _is_predictions(run):
        if not data:
            raise typer.BadParameter("--data is missing: the table of the images that the predictions are for")
        sources = PredictionOptions(
            masks, description, network, _labels(mask_labels), resample_masks, unmatched, device, threads, batch_size
        )
        return _evaluate_predictions(run, data, trained_on, subset, unannotated, sources, out_dir, options, json)
    if masks or trained_on or description or network or mask_labels or resample_masks or unmatched != "error":
        raise typer.BadParameter(
            "--masks, --mask-labels, --resample-masks, --trained-on, --description, --network and --unmatched are for "
            "another tool, not for a run"
        )
    if data and subset == "val":
        raise typer.BadParameter("--subset is of the run's own data; leave it out with --data")
    from tumorlens._extras import require

    with loading():
        require("torch", "train", "evaluate networks")
        from tumorlens._memory import keep_freed_memory
        from tumorlens._record import Record
        from tumorlens._results_folder import claim_folder
        from tumorlens.datasets import open_tables
        from tumorlens.evaluation import write_evaluation
        from tumorlens.evaluation.evaluate_run import evaluate_run
        from tumorlens.training import load_run

    subset = subset or "test"
    record = Record("evaluate", device=device, threads=use_threads(threads), batch_size=batch_size)
    keep_freed_memory()
    loaded = load_run(run).on(device)
    table = open_tables(data, unannotated=unannotated) if data else None
    own = loaded.evaluation_folder(_external_name(table.name) if table else subset)
    folder = out_dir or own
    with claim_folder(folder, started=folder.resolve() == own.resolve()), progress() as step:
        evaluation = evaluate_run(loaded, replace(options, progress=step), table=table, subset=subset)
        write_evaluation(loaded, evaluation, folder, record)
    if json:
        return print_json(evaluation.to_dict() | {"folder": str(folder)})
    show_evaluation(evaluation)
    print_status(f"written: {folder / 'report.html'}")


@dataclass(frozen=True)
class PredictionOptions:
    """How the predictions of another tool are read; the fields are arguments of `tumorlens.read_predictions`."""

    masks: Path | None
    description: Path | None
    network: str | None
    mask_labels: tuple[int, ...]
    resample_masks: bool
    unmatched: Literal["error", "ignore"]
    device: Literal["cpu", "cuda"]
    threads: int | None
    batch_size: int


def _labels(text: str | None) -> tuple[int, ...]:
    """Values of a mask, separated by commas."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise typer.BadParameter(f"--mask-labels {text}: expected whole numbers above 0, such as 1,3")
    return tuple(map(int, parts))


def _is_predictions(source: Path) -> bool:
    """Whether a path is predictions of another tool, or a model file, and no run."""
    if source.is_dir():
        from tumorlens.predictions.mask_folder import mask_files

        run = any((source / name).exists() for name in ("model.json", "run.json", "split.csv"))
        return not run and bool(mask_files(source))
    return source.suffix.lower() in (".csv", ".onnx", ".safetensors", ".pt", ".pth")


def _evaluate_predictions(
    source: Path,
    data: list[str],
    trained_on: list[str] | None,
    subset: str | None,
    unannotated: Literal["error", "ignore", "negative"],
    reading: PredictionOptions,
    out_dir: Path | None,
    options: EvaluationOptions,
    json: bool,
) -> None:
    """Evaluate the predictions of another tool; nothing here imports PyTorch."""
    from tumorlens._record import Record
    from tumorlens._results_folder import claim_folder
    from tumorlens.datasets import open_tables
    from tumorlens.evaluation.evaluate_predictions import evaluate_predictions
    from tumorlens.evaluation.evaluation_files import write_evaluation
    from tumorlens.predictions.read_predictions import read_predictions

    record = Record("evaluate", device=reading.device, batch_size=reading.batch_size)
    table = open_tables(data, unannotated=unannotated)
    table = table.subset(subset) if subset else table
    training = open_tables(trained_on, unannotated=unannotated) if trained_on else None
    with output_folder(out_dir, "evaluate", source.stem) as folder, claim_folder(folder), progress() as step:
        predictions = read_predictions(source, table, progress=step, **vars(reading))
        evaluation = evaluate_predictions(predictions, replace(options, progress=step), trained_on=training)
        write_evaluation(None, evaluation, folder, record)
    if json:
        return print_json(evaluation.to_dict() | {"folder": str(folder)})
    show_evaluation(evaluation)
    print_status(f"written: {folder / 'report.html'}")


def _external_name(name: str) -> str:
    """The name of an external table; one that is called like a subset would overwrite the evaluation of that subset."""
    from tumorlens.datasets import SPLITS

    return f"external-{name}" if name in SPLITS else name


def show_evaluation(evaluation: Evaluation) -> None:
    """Print the metrics as tables, the conclusions of the analyses, and the caveats."""
    from tumorlens.evaluation.analyses import registry
    from tumorlens.evaluation.page.predictions_section import not_measured_texts
    from tumorlens.evaluation.page.segmentation_tables import segmentation_tables
    from tumorlens.metrics.names import METRICS
    from tumorlens.report import Section
    from tumorlens.report.text import percentage, with_interval

    facts, metrics = evaluation.facts, evaluation.metrics
    show(f"{facts.model} on {facts.data}, {facts.subset}: {facts.evidence}\n")
    overall = grid("", "value (95 % interval)")
    for metric in (METRICS[name] for name in _OVERALL if name in metrics.overall):
        overall.add_row(metric.title, with_interval(metrics.overall[metric.name], metric.percent))
    if detection := evaluation.detection:
        at = "" if detection.prevalence is None else f", at a prevalence of {percentage(detection.prevalence, None)}"
        for name, estimate in detection.estimates.items():
            of = at if name.endswith("pv") else ""
            overall.add_row(f"{METRICS[name].title}, any tumor{of}", with_interval(estimate, METRICS[name].percent))
    if metrics.overall:
        show(overall)
    classes = grid("\nclass", "\nimages", *(f"\n{METRICS[name].title}" for name in _PER_CLASS))
    for label, estimates in metrics.per_class.items() if metrics.overall else ():
        rates = (estimates[name].percent() for name in _PER_CLASS)
        classes.add_row(label, str(metrics.support[label]), *rates)
    if metrics.overall:
        show(classes)
    if evaluation.segmentation:
        for blocks in segmentation_tables(evaluation.segmentation):
            show_tables(Section("", blocks))
    for name, result in evaluation.analyses.items():
        analysis = registry()[name]
        show_tables(analysis.section(result, evaluation.samples), analysis.title)
        for sentence in result.conclusions:
            if sentence not in result.caveats:
                show(sentence)
    for text in not_measured_texts(evaluation.not_measured):
        show(text)
    for text in evaluation.caveats:
        caveat(text)


def show_tables(section: Section, title: str = "") -> None:
    """Print the tables of a section; its charts and images are on the page alone.

    Args:
        section: of a page.
        title: printed above the first table.
    """
    from tumorlens.report import HeatTable, TableBlock, find_blocks

    if title:
        show(f"\n{title}")
    for block in find_blocks(section.blocks, TableBlock):
        printed = grid(*block.headers)
        for row in block.rows:
            printed.add_row(*row)
        show(printed)
    for heat in find_blocks(section.blocks, HeatTable):
        printed = grid(*heat.headers)
        for name, cells in heat.rows:
            printed.add_row(name, *(text for cell in cells for text in (cell.text, *[""] * (cell.wide - 1))))
        show(printed)
