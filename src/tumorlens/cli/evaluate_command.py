"""tumorlens evaluate: run -> metrics with confidence intervals, and a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tumorlens.cli.common import (
    AllowBoxMasks,
    Json,
    NResamples,
    Seed,
    Unannotated,
    caveat,
    choice,
    grid,
    loading,
    print_json,
    print_status,
    progress,
    show,
)

if TYPE_CHECKING:
    from tumorlens.evaluation import Evaluation
    from tumorlens.evaluation.analyses.region_occlusion.result import RegionOcclusion
    from tumorlens.evaluation.analyses.robustness import Robustness
    from tumorlens.metrics.segmentation import Segmentation

RunFolder = Annotated[Path, typer.Argument(help="The folder of a finished run.", show_default=False)]
_OVERALL = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "macro_auroc", "brier", "ece")
_PER_CLASS = ("sensitivity", "specificity")


def evaluate(
    run: RunFolder,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data", help="External data, all of it, instead of the run's own; repeatable.", show_default=False
        ),
    ] = None,
    subset: Annotated[
        Literal["test", "val"], choice("--subset", "test", "val", help="Subset of the run's own data.")
    ] = "test",
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out-dir",
            "-o",
            help="Folder for the results; RUN/evaluations/NAME by default, NAME is the subset or the external table.",
            show_default=False,
        ),
    ] = None,
    unannotated: Unannotated = "error",
    allow_box_masks: AllowBoxMasks = False,
    region_occlusion: Annotated[
        bool, typer.Option(help="Test which region decides: occlude background, head or tumor and predict again.")
    ] = True,
    robustness: Annotated[
        bool,
        typer.Option(help="Also evaluate under 12 artifacts (bias field, noise, motion ...) at up to 5 severities."),
    ] = False,
    robustness_limit: Annotated[
        int, typer.Option(min=0, help="Images for --robustness, spread over patients; 0 for all.")
    ] = 300,
    n_resamples: NResamples = 2000,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Evaluate a run on patients it was not trained on. Every metric has a 95 % interval over patients."""
    if data and subset != "test":
        raise typer.BadParameter("--subset is of the run's own data; leave it out with --data")
    with loading():
        from tumorlens._memory import keep_freed_memory
        from tumorlens._record import Record
        from tumorlens.datasets import open_tables
        from tumorlens.evaluation import evaluate as evaluate_run
        from tumorlens.evaluation import write_evaluation
        from tumorlens.training import load_run

    record = Record("evaluate")
    keep_freed_memory()
    loaded = load_run(run)
    table = open_tables(data, unannotated=unannotated) if data else None
    with progress("evaluating") as step:
        evaluation = evaluate_run(
            loaded,
            table=table,
            split=subset,
            rectangles=allow_box_masks,
            background=region_occlusion,
            robustness=robustness_limit if robustness else None,
            n_resamples=n_resamples,
            seed=seed,
            progress=step,
        )
    folder = out_dir or loaded.evaluation_folder(_external_name(table.name) if table else subset)
    write_evaluation(loaded, evaluation, folder, record)
    if json:
        return print_json(evaluation.to_dict() | {"folder": str(folder)})
    show_evaluation(evaluation)
    print_status(f"written: {folder / 'report.html'}")


def _external_name(name: str) -> str:
    """The name of an external table; one that is called like a subset would overwrite the evaluation of that subset."""
    from tumorlens.datasets import SPLITS

    return f"external-{name}" if name in SPLITS else name


def show_evaluation(found: Evaluation) -> None:
    """Print the metrics as tables, and the caveats."""
    from tumorlens.metrics.names import METRICS
    from tumorlens.report.text import with_interval

    facts, metrics = found.facts, found.metrics
    show(f"{facts['model']} on {facts['data']}, {facts['part']}: {facts['evidence']}\n")
    overall = grid("", "value (95 % interval)")
    for metric in (METRICS[name] for name in _OVERALL):
        overall.add_row(metric.title, with_interval(metrics.overall[metric.name], metric.percent))
    show(overall)
    classes = grid("\nclass", "\nimages", *(f"\n{METRICS[name].title}" for name in _PER_CLASS))
    for label, estimates in metrics.per_class.items():
        rates = (estimates[name].percent() for name in _PER_CLASS)
        classes.add_row(label, str(metrics.support[label]), *rates)
    show(classes)
    if found.segmentation:
        _show_masks(found.segmentation)
    if found.background:
        _show_background(found.background)
    if found.robustness:
        _show_robustness(found.robustness)
    _show_no(found)
    for text in found.caveats:
        caveat(text)


def _show_masks(found: Segmentation) -> None:
    """Print the metrics of segmentation."""
    from tumorlens.evaluation.report.segmentation_tables import lines

    for headings, rows in lines(found):
        masks = grid(*(f"\n{heading}" for heading in headings))
        for row in rows:
            masks.add_row(*row)
        show(masks)


def _show_background(found: RegionOcclusion) -> None:
    """What is named when something is blanked, and what that means; a shortcut is told among the cautions."""
    from tumorlens.evaluation.analyses.region_occlusion.result import TITLES

    tests = grid("\nwith", "\nimages", "\naccuracy", "\nas they are", "\nguessing")
    for test in found.tests:
        blanked, plain = (metrics.overall["accuracy"] for metrics in (test.blanked, test.plain))
        guessing = f"{100 * test.guessing:.1f} %"
        tests.add_row(TITLES[test.name], str(blanked.n), blanked.percent(), plain.percent(), guessing)
    show(tests)
    for test in found.tests:
        if test.meaning != found.caveat:
            show(test.meaning)


def _show_no(found: Evaluation) -> None:
    """What is flagged as outside, and what is answered with how much error allowed."""
    from tumorlens.evaluation.analyses.selective import section as says_no

    if found.abstention:
        for headings, rows in says_no.abstention_tables(found.abstention):
            answered = grid(*(f"\n{heading}" for heading in headings))
            for row in rows:
                answered.add_row(*row)
            show(answered)
        if unknown := says_no.unknown_words(found.abstention):
            show(unknown)
    if found.ood:
        show(says_no.ood_text(found.ood))


def _show_robustness(found: Robustness) -> None:
    """What is left when images get worse, and what that means; what slight artifacts cost is a caution."""
    from tumorlens.evaluation.analyses.robustness.robustness_tables import lines

    for headings, rows in lines(found):
        worse = grid(*(f"\n{heading}" for heading in headings))
        for row in rows:
            worse.add_row(*row)
        show(worse)
    for text in (found.summary, found.worst_words, found.meaning):
        if text != found.caveat:
            show(text)
