"""tumorlens audit: data -> what makes a result worthless, and a split without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import Data, Fold, Folds, Json, Seed, Val, caveat, emit, grid, progress, say, show, stages

if TYPE_CHECKING:
    from tumorlens.auditing import AuditReport

_LEAKS = {"twin": "a copy in train", "patient": "its patient in train"}


def audit(
    data: Data,
    out: Annotated[Path | None, typer.Option(help="Where results go; audit-NAME if left out.")] = None,
    index: Annotated[
        list[Path] | None,
        typer.Option(help="A known set to trace images to; repeatable; those shipped if left out.", show_default=False),
    ] = None,
    no_shortcuts: Annotated[
        bool, typer.Option("--no-shortcuts", help="Do not measure what can be told without anatomy.")
    ] = False,
    write_split: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write a split without leaks, copies and doubtful labels, .csv.")
    ] = None,
    write_clean: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write a table without copies, doubtful labels marked, .csv.")
    ] = None,
    folds: Folds = 5,
    fold: Fold = 0,
    val: Val = 0.1,
    seed: Seed = 0,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 also where a leak is found.")] = False,
    json: Json = False,
) -> int:
    """Find leaks, copies, wrong labels, shortcuts and damage. Exits with 1 where test is known from train.

    Writes report.html, audit.json and run.json. A folder called "index" is audited as ./index.
    """
    from tumorlens._record import Record
    from tumorlens.auditing import audit as work
    from tumorlens.auditing.page.audit_files import write_audit
    from tumorlens.auditing.splits import check_folds
    from tumorlens.datasets import open_tables, write_table

    if write_split:
        check_folds(folds, fold, val)
    record = Record("audit", seed=seed, index=[str(path) for path in index or ()])
    table = open_tables(data, unannotated="keep")
    folder = out or Path(f"audit-{table.name}")
    _see_free(folder)
    with stages() as step:
        found = work(table, known=index or None, shortcuts=not no_shortcuts, seed=seed, progress=step)
    record.lap("audit")
    write_audit(found, folder, record)
    if not json:
        _show(found)
        say(f"written: {folder / 'report.html'}")
    tables = []
    if write_split:
        tables.append(write_table(found.split(folds=folds, fold=fold, val=val, seed=seed), write_split))
    if write_clean:
        tables.append(write_table(found.clean(), write_clean, remarks=found.remarks()))
    if json:
        emit(found.to_dict() | {"folder": str(folder), "tables": [str(path) for path in tables]})
    else:
        for path in tables:
            say(f"written: {path}")
    return 1 if found.leaking and not exit_zero else 0


def index(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="The index to write, .npz.")],
    name: Annotated[str | None, typer.Option(help="What the set is called; its own name if left out.")] = None,
    json: Json = False,
) -> None:
    """Make an index of a set. For audit --index; it holds codes, patients and labels, no images."""
    from tumorlens.auditing import index_of
    from tumorlens.datasets import open_tables

    table = open_tables(data, unannotated="keep")
    with progress("reading images") as step:
        made = index_of(table, name=name, progress=step)
    made.save(out)
    patients = len({patient for patient in made.patients if patient})
    if json:
        return emit({"path": str(out), "name": made.name, "slices": len(made), "patients": patients})
    show(f"{made.name}: {len(made):,} of {len(table):,} images indexed, patients: {patients or 'unknown'}")
    say(f"written: {out}")


def _see_free(folder: Path) -> None:
    """See that no results of another command would be replaced.

    Raises:
        DataError: the folder holds some.
    """
    import json

    from tumorlens.errors import DataError

    record = folder / "run.json"
    if not record.is_file():
        return
    try:
        verb = json.loads(record.read_text(encoding="utf-8"))["verb"]
    except (ValueError, KeyError, TypeError):
        verb = "something else"
    if verb != "audit":
        raise DataError(
            f"{folder}: holds results of '{verb}'; expected a new folder, or that of an earlier audit (--out)"
        )


def _show(found: AuditReport) -> None:
    """The verdict, the findings as a table on the terminal, and what is wrong with files."""
    show(f"{found.verdict}\n")
    findings = grid("finding", "number", "share (95 % interval)")
    findings.add_row("images", f"{len(found.table):,}")
    copies = len(found.table) - found.twins.distinct
    findings.add_row("distinct images", f"{found.twins.distinct:,}", f"{copies:,} files are copies")
    for leak in found.leaks:
        count = f"{len(leak.samples):,} of {leak.rate.n:,}"
        findings.add_row(f"{leak.part} images with {_LEAKS[leak.by]}", count, leak.rate.percent())
    for known in dict.fromkeys(trace.known for trace in found.traces):
        own = [trace for trace in found.traces if trace.known == known]
        patients = len({trace.patient for trace in own if trace.patient})
        findings.add_row(f"images traced to {known}", f"{len(own):,}", f"of {patients:,} patients" if patients else "")
    findings.add_row("contradicting labels", f"{len(found.conflicts):,}")
    for one in found.shortcuts:
        shares = f"{one.accuracy.percent()}; {100 * one.majority:.1f} % by guessing"
        findings.add_row(f"class told by {one.name}", "shortcut" if one.confusing else "no shortcut", shares)
    for near in found.neighbors:
        for what, estimate in (("all", near.everything), ("leaked", near.leaked), ("clean", near.clean)):
            if estimate:
                words = f"nearest training image, {what} of {near.part}"
                findings.add_row(words, f"{estimate.n:,}", estimate.percent())
    show(findings)
    for damage in found.damage:
        if damage.level == "info":
            say(f"note: {damage.what}")
        else:
            caveat(damage.what)
    for note in found.notes:
        say(f"note: {note}")
