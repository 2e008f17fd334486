"""tumorlens evaluate: run -> numbers with intervals, and a page to judge them by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import Json, Seed, Unannotated, caveat, emit, grid, loading, progress, say, show

if TYPE_CHECKING:
    from tumorlens.evaluation import Evaluation
    from tumorlens.evaluation.analyses.region_occlusion.result import RegionOcclusion
    from tumorlens.evaluation.analyses.robustness import Robustness
    from tumorlens.metrics.segmentation import Segmentation

RunFolder = Annotated[Path, typer.Argument(help="The folder of a finished run.", show_default=False)]
_PARTS = ("test", "val")
_SHARES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
}
_SCORES = {"macro_auroc": "macro AUROC", "brier": "Brier score", "ece": "calibration error (ECE)"}


def evaluate(
    run: RunFolder,
    data: Annotated[
        list[str] | None, typer.Option("--data", help="Other data than the run's own; all of it is used.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which part of the run's own data: test or val.")] = "test",
    out: Annotated[Path | None, typer.Option(help="Where results go; RUN/evaluation if left out.")] = None,
    unannotated: Unannotated = "error",
    rectangles: Annotated[
        bool, typer.Option("--rectangles", help="Measure what is drawn also where the true masks are rectangles.")
    ] = False,
    no_background: Annotated[
        bool, typer.Option("--no-background", help="Do not ask again with background, head and tumor blanked.")
    ] = False,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Ask again with bias field, noise, motion and the like, step by step.")
    ] = False,
    robustness_limit: Annotated[
        int, typer.Option(min=0, help="With --robustness: so many images, spread over patients; 0 for all.")
    ] = 300,
    n_resamples: Annotated[int, typer.Option(min=100, help="Of the bootstrap over patients.")] = 2000,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Measure a run on unseen patients. Every figure has a 95 % interval over patients."""
    if split not in _PARTS:
        raise typer.BadParameter(f"'{split}' for --split; expected test or val")
    if data and split != "test":
        raise typer.BadParameter("--split is a part of the run's own data; leave it out beside --data")
    with loading():
        from tumorlens._memory import keep_freed_memory
        from tumorlens._record import Record
        from tumorlens.datasets import open_tables
        from tumorlens.evaluation import evaluate as work
        from tumorlens.evaluation import write_evaluation
        from tumorlens.training import load_run

    record = Record("evaluate")
    keep_freed_memory()
    loaded = load_run(run)
    table = open_tables(data, unannotated=unannotated) if data else None
    with progress("measuring") as step:
        found = work(
            loaded,
            table=table,
            split=split,
            rectangles=rectangles,
            background=not no_background,
            robustness=robustness_limit if robustness else None,
            n_resamples=n_resamples,
            seed=seed,
            progress=step,
        )
    name = "evaluation" if table is None and split == "test" else f"evaluation-{table.name if table else split}"
    folder = out or loaded.folder / name
    write_evaluation(loaded, found, folder, record)
    if json:
        return emit(found.to_dict() | {"folder": str(folder)})
    show_evaluation(found)
    say(f"written: {folder / 'report.html'}")


def show_evaluation(found: Evaluation) -> None:
    """The figures as tables on the terminal, and what must be known about them."""
    facts, metrics = found.facts, found.metrics
    show(f"{facts['model']} on {facts['data']}, {facts['part']}: {facts['evidence']}\n")
    whole = grid("", "value (95 % interval)")
    for key, name in _SHARES.items():
        whole.add_row(name, metrics.overall[key].percent())
    for key, name in _SCORES.items():
        whole.add_row(name, str(metrics.overall[key]))
    show(whole)
    classes = grid("\nclass", "\nimages", "\nsensitivity", "\nspecificity")
    for label, figures in metrics.per_class.items():
        rates = (figures[name].percent() for name in ("sensitivity", "specificity"))
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
    """How well tumors are drawn."""
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
