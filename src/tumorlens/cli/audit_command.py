"""tumorlens audit: data -> leaks, duplicates, label conflicts and shortcuts, and a split without them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import (
    Data,
    ExitCode,
    Fold,
    Folds,
    Json,
    Panel,
    Val,
    caveat,
    grid,
    output_folder,
    print_json,
    print_status,
    progress,
    seed_option,
    show,
)

if TYPE_CHECKING:
    from rich.table import Table as Grid

    from tumorlens.auditing import AuditReport

_LEAKS = {"duplicate": "a duplicate in train", "patient": "its patient in train"}

ExitZero = Annotated[
    bool,
    typer.Option(
        "--exit-zero/--no-exit-zero", help="Exit with 0 even if a leak is found.", rich_help_panel=Panel.OUTPUT
    ),
]

OutDir = Annotated[
    Path | None,
    typer.Option(
        "--out-dir",
        "-o",
        help="Folder for the report; runs/audit/NAME by default.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]
Index = Annotated[
    list[Path] | None,
    typer.Option(
        help="Reference index to search for the source of images; repeatable; the shipped ones by default.",
        show_default=False,
        rich_help_panel=Panel.ANALYSES,
    ),
]
Shortcuts = Annotated[
    bool,
    typer.Option(
        help="Test for shortcuts: can size, format or border alone predict the class?",
        rich_help_panel=Panel.ANALYSES,
    ),
]
WriteSplit = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        help="Also write a split without leaks, duplicates and label conflicts, .csv.",
        show_default=False,
        rich_help_panel=Panel.SPLIT,
    ),
]
WriteClean = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        help="Also write a table without duplicates, label conflicts flagged, .csv.",
        show_default=False,
        rich_help_panel=Panel.OUTPUT,
    ),
]


def audit(
    data: Data,
    out_dir: OutDir = None,
    index: Index = None,
    shortcuts: Shortcuts = True,
    write_split: WriteSplit = None,
    write_clean: WriteClean = None,
    folds: Folds = 5,
    fold: Fold = 0,
    val: Val = 0.1,
    seed: Annotated[int, seed_option(Panel.SPLIT)] = 0,
    exit_zero: ExitZero = False,
    json: Json = False,
) -> int:
    """Find leaks, duplicates, label conflicts and shortcuts. Exits with 3 if test or validation images leak into train.

    Writes report.html, audit.json and run.json.
    """
    from tumorlens._record import Record
    from tumorlens._results_folder import claim_folder
    from tumorlens.auditing import audit as run_audit
    from tumorlens.auditing.page.audit_files import write_audit
    from tumorlens.auditing.splits import check_folds
    from tumorlens.datasets import open_tables, write_table

    if write_split:
        check_folds(folds, fold, val)
    record = Record("audit", seed=seed, index=[str(path) for path in index or ()])
    table = open_tables(data, unannotated="keep")
    with output_folder(out_dir, "audit", table.name) as folder, claim_folder(folder), progress() as step:
        report = run_audit(table, reference_indexes=index or None, shortcuts=shortcuts, seed=seed, progress=step)
        record.lap("audit")
        write_audit(report, folder, record)
    if not json:
        _show(report)
        print_status(f"written: {folder / 'report.html'}")
    tables = []
    if write_split:
        tables.append(write_table(report.split(folds=folds, fold=fold, val=val, seed=seed), write_split))
    if write_clean:
        tables.append(write_table(report.clean(), write_clean, comments=report.label_comments()))
    if json:
        print_json(report.to_dict() | {"folder": str(folder), "tables": [str(path) for path in tables]})
    else:
        for path in tables:
            print_status(f"written: {path}")
    return ExitCode.ATTENTION if report.leaking and not exit_zero else ExitCode.DONE


def _show(report: AuditReport) -> None:
    """Print the verdict, the issues as a table, and the problems of files."""
    show(f"{report.verdict}\n")
    show(_issues(report))
    for issue in report.integrity:
        if issue.level == "info":
            print_status(f"note: {issue.message}")
        else:
            caveat(issue.message)
    for note in report.notes:
        print_status(f"note: {note}")


def _issues(report: AuditReport) -> Grid:
    """One row for each kind of issue: how many images it concerns, and their share."""
    from tumorlens.report.text import percentage

    table = grid("issue", "number", "share (95 % interval)")
    table.add_row("images", f"{len(report.table):,}")
    duplicates = len(report.table) - report.duplicates.n_distinct
    table.add_row("distinct images", f"{report.duplicates.n_distinct:,}", f"{duplicates:,} files are duplicates")
    for leak in report.leaks:
        count = f"{len(leak.samples):,} of {leak.rate.n:,}"
        table.add_row(f"{leak.subset} images with {_LEAKS[leak.by]}", count, leak.rate.percent())
    for known in dict.fromkeys(match.reference for match in report.source_matches):
        matches = [match for match in report.source_matches if match.reference == known]
        patients = len({match.patient for match in matches if match.patient})
        table.add_row(f"images from {known}", f"{len(matches):,}", f"of {patients:,} patients" if patients else "")
    table.add_row("label conflicts", f"{len(report.label_conflicts):,}")
    for shortcut in report.shortcuts:
        shares = f"{shortcut.accuracy.percent()}; {percentage(shortcut.majority_baseline)} for the majority class"
        found = "shortcut" if shortcut.best_separated else "no shortcut"
        table.add_row(f"class predicted from {shortcut.name}", found, shares)
    for neighbor in report.nearest_neighbor:
        for what, estimate in (("all", neighbor.overall), ("leaked", neighbor.leaked), ("clean", neighbor.clean)):
            if estimate:
                title = f"label of the nearest training image, {what} of {neighbor.subset}"
                table.add_row(title, f"{estimate.n:,}", estimate.percent())
    return table
