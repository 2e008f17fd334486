"""table -> table in which every image has a label: what images without annotation are to count as."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from tumorlens.datasets.table import Table
from tumorlens.errors import DataError

UNANNOTATED = "unannotated"
"""The class of an image that a data set lists without saying what it shows."""

Unannotated = Literal["error", "ignore", "negative", "keep"]


def resolve_unannotated(table: Table, unannotated: Unannotated) -> Table:
    """The table with its unannotated images dealt with.

    Args:
        table: any; without such images it stays as it is.
        unannotated: ``"error"``; ``"ignore"``: they are left out; ``"negative"``: they show no tumor and
            become ``no_tumor``, with an empty mask where the set draws masks; ``"keep"``: they stay a class
            of their own, which only an audit can use.

    Raises:
        DataError: there are some, and `unannotated` is ``"error"``; or nothing else is there to keep.
        ValueError: `unannotated` is none of these words.
    """
    if unannotated not in get_args(Unannotated):
        raise ValueError(f"unannotated={unannotated!r}; expected one of {list(get_args(Unannotated))}")
    bare = sum(sample.label == UNANNOTATED for sample in table.samples)
    if not bare or unannotated == "keep":
        return table
    count = f"{bare:,} of {len(table):,} images"
    if unannotated == "error":
        raise DataError(
            f"{table.name}: {count} have no annotation, so nothing says whether they show a tumor; leave them out "
            "(--unannotated ignore), or count them as images without tumor (--unannotated negative)"
        )
    if unannotated == "ignore":
        note = f"{table.name}: {count} without annotation left out, as asked (unannotated: ignore)"
        kept = table.where(lambda sample: sample.label != UNANNOTATED)
        return replace(kept, classes=tuple(c for c in kept.classes if c != UNANNOTATED), notes=(*kept.notes, note))
    note = f"{table.name}: {count} without annotation counted as no_tumor, as asked (unannotated: negative)"
    samples = tuple(replace(s, label="no_tumor") if s.label == UNANNOTATED else s for s in table.samples)
    classes = tuple(dict.fromkeys("no_tumor" if c == UNANNOTATED else c for c in table.classes))
    return replace(table, samples=samples, classes=classes, notes=(*table.notes, note))
