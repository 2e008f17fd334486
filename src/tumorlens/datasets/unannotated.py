"""table -> table in which every image has a label: images without annotation are resolved."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from tumorlens.datasets.table import Table
from tumorlens.errors import DataError

UNANNOTATED = "unannotated"
"""The class of an image that a data set lists without an annotation."""

Unannotated = Literal["error", "ignore", "negative", "keep"]


def resolve_unannotated(table: Table, unannotated: Unannotated) -> Table:
    """Resolve the unannotated images of a table.

    Args:
        table: returned unchanged if it has no such images.
        unannotated: ``"error"``; ``"ignore"``: they are left out; ``"negative"``: they show no tumor and
            become ``no_tumor``, with an empty mask where the set has masks; ``"keep"``: they stay a class
            of their own, which only an audit can use.

    Raises:
        DataError: there are some, and `unannotated` is ``"error"``; or all images are unannotated.
        ValueError: `unannotated` is none of these words.
    """
    if unannotated not in get_args(Unannotated):
        raise ValueError(f"unannotated={unannotated!r}; expected one of {list(get_args(Unannotated))}")
    number = sum(sample.label == UNANNOTATED for sample in table.samples)
    if not number or unannotated == "keep":
        return table
    count = f"{number:,} of {len(table):,} images"
    if unannotated == "error":
        raise DataError(
            found=f"{table.name}: {count} have no annotation, so it is unknown whether they show a tumor",
            advice="leave them out (--unannotated ignore), or count them as images without tumor "
            "(--unannotated negative)",
        )
    if unannotated == "ignore":
        note = f"{table.name}: {count} without annotation left out, on request (unannotated: ignore)"
        kept = table.filter(lambda sample: sample.label != UNANNOTATED)
        return replace(kept, classes=tuple(c for c in kept.classes if c != UNANNOTATED), notes=(*kept.notes, note))
    note = f"{table.name}: {count} without annotation counted as no_tumor, on request (unannotated: negative)"
    samples = tuple(replace(s, label="no_tumor") if s.label == UNANNOTATED else s for s in table.samples)
    classes = tuple(dict.fromkeys("no_tumor" if c == UNANNOTATED else c for c in table.classes))
    return replace(table, samples=samples, classes=classes, notes=(*table.notes, note))
