"""tumorlens series: the series of a study, whether each can be used, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.common import ExitCode, Json, fail, grid, in_one_line, print_json, print_status, progress, show

if TYPE_CHECKING:
    from tumorlens.scan.dicom.series_list import SeriesEntry

Place = Annotated[
    Path,
    typer.Argument(help="A folder with DICOM files, a zip archive, a DICOMDIR, or one DICOM file.", show_default=False),
]


def series(path: Place, json: Json = False) -> int:
    """List the series of a DICOM study, and say which one can be used and why.

    Models are made for T1 after contrast. The tags of the files decide; what they leave open is "unknown".
    Exits with 1 if no series can be used.
    """
    from tumorlens.scan.dicom.series_list import list_series

    with progress() as step:
        found = list_series(path, step)
    chosen = [entry for entry in found.entries if entry.chosen]
    if json:
        print_json(found.to_dict())
        return ExitCode.DONE if chosen else ExitCode.FAILED
    several = len({entry.study for entry in found.entries}) > 1
    table = grid(*(["study"] if several else []), "", "series", "slices", "plane", "mm", "use", "reason")
    for entry in found.entries:
        table.add_row(*([str(entry.study)] if several else []), *_cells(entry))
    if found.entries:
        show(table)
    for refusal in found.refusals:
        print_status(f"left out: {in_one_line(str(refusal))}")
    if found.other_files:
        count = len(found.other_files)
        print_status(f"left out: {count} file{'s that are' if count > 1 else ' that is'} not DICOM")
    if not chosen:
        reason = "no DICOM series" if not found.entries else "no series that is known to be T1 after contrast"
        fail(f"{path}: {reason}")
    return ExitCode.DONE if chosen else ExitCode.FAILED


def _cells(entry: SeriesEntry) -> list[str]:
    """Mark, series, slices, plane, spacing, use and reason."""
    facts = entry.to_dict()
    name = in_one_line(facts["description"]) or "without description"
    if facts["split_by"]:
        first = entry.stack.frames[0]
        values = [first.attribute(k) if k != "InstanceNumber" else "" for k in facts["split_by"]]
        name += f" ({', '.join(f'{k} {v}'.strip() for k, v in zip(facts['split_by'], values, strict=True))})"
    number = "" if facts["series_number"] < 0 else f"{facts['series_number']} "
    spacing = " x ".join(f"{mm:.3g}" for mm in facts["spacing"] or ())
    reason = "; ".join(filter(None, [facts["reason"], facts["irregular"], *facts["notes"]]))
    return [
        "->" if entry.chosen else "",
        number + name,
        str(facts["size"][0]),
        facts["plane"],
        spacing,
        facts["use"],
        reason,
    ]
