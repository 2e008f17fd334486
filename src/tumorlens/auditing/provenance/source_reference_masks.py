"""table + known set -> table with that set's own outlines, where the audit knows which slice an image shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tumorlens.auditing.duplicates.image_records import Progress, image_records
from tumorlens.auditing.duplicates.perceptual_hash import codes, turned, unit
from tumorlens.auditing.issues import SourceMatch
from tumorlens.auditing.leak_check import find_linked_groups, with_groups
from tumorlens.auditing.provenance.reference_index import FINE, ReferenceIndex, shipped
from tumorlens.datasets import MaskLocation, Table
from tumorlens.errors import DataError

SAME_FRAME = 0.7
"""Similarity of whole images from which both have the same frame, so that a mask of one fits the other.

On Nickparvar and on a COCO export 0.77 was the lowest among 1,599 images that show whole slices, and 0.27 the
highest among those that do not. Cutting 2 % off each side of a slice leaves 0.68 in the median, 3 % leaves 0.51.
"""


def reference_masks(table: Table, source: Table, *, progress: Progress | None = None) -> Table:
    """The table with the outlines of a known set in place of its own masks.

    An image that is recognized as a slice of the set gets the slice's mask, turned as the image is (see
    `tumorlens.datasets.reference_masks`), and its patient as group, together with its copies. An image that is not, one
    that shows only a part of its slice, and one whose slice has no mask in `source` have no mask then.
    Labels stay. The notes give the counts.

    Args:
        table: whose masks to replace; its split stays, also where it has a recovered patient on two sides.
        source: the known set itself, with masks; one of those whose index comes with tumorlens (figshare).
        progress: called with (done, total) while images are read.

    Raises:
        DataError: there is no index of `source`, or no image of the table is known from it.
    """
    known = next((one for one in shipped() if one.name == source.name), None)
    if known is None:
        raise DataError(
            f"{source.name}: no data set whose slices are known here; expected {[one.name for one in shipped()]} "
            "(--true-masks figshare:FOLDER)"
        )
    ties = find_linked_groups(table, progress=progress)
    source_matches = [one for one in ties.source_matches if one.known == known.name]
    whole = _same_frame(table, source_matches, known)
    held = {sample.id.partition("/")[2]: sample.mask for sample in source.samples}
    masks = {
        one.sample: MaskLocation(mask, turn=one.turn).path
        for one, fits in zip(source_matches, whole, strict=True)
        if fits and (mask := held.get(one.slice))
    }
    if not masks:
        raise DataError(
            f"{table.name}: none of its {len(table):,} images gets a mask from {source.name}: {len(source_matches):,} show "
            f"one of its slices, and {sum(m is not None for m in held.values()):,} slices of it have a mask there"
        )
    cut = len(source_matches) - sum(whole)
    counts = {
        f"{len(masks):,} of {len(table):,} images have the outline of the {known.name} slice they show": len(masks),
        f"{len(table) - len(source_matches):,} images are not known from {known.name} and have no mask": len(table)
        - len(source_matches),
        f"{cut:,} images show only a part of their slice and have no mask": cut,
        f"{sum(whole) - len(masks):,} slices have no mask in {known.name} as it is there": sum(whole) - len(masks),
    }
    notes = tuple(f"{table.name}: {fact}" for fact, n in counts.items() if n)
    samples = tuple(replace(sample, mask=masks.get(i)) for i, sample in enumerate(table.samples))
    return with_groups(replace(table, samples=samples, notes=(*table.notes, *notes)), ties)


def _same_frame(table: Table, source_matches: Sequence[SourceMatch], known: ReferenceIndex) -> list[bool]:
    """For every trace whether the image shows its slice whole: no part of it, and no frame around it."""
    row = {name: i for i, name in enumerate(known.slices)}
    drawn = [one.thumbnails for one in image_records([table.samples[trace.sample].image for trace in source_matches])]
    found = []
    for trace, thumbnails in zip(source_matches, drawn, strict=True):
        if thumbnails is None:
            found.append(False)
            continue
        image, other = codes(thumbnails[0], **FINE), turned(known.fine[row[trace.slice], 0], trace.turn)
        found.append(bool(unit(image) @ unit(other) >= SAME_FRAME))
    return found
