"""table + reference set -> table with the reference masks of that set, for the images that show its slices."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.duplicates.perceptual_hash import perceptual_hashes, transformed, unit_vectors
from tumorlens.auditing.issues import SourceMatch
from tumorlens.auditing.leak_check import find_linked_groups, with_groups
from tumorlens.auditing.provenance.reference_index import FINE_HASH, ReferenceIndex, shipped_indexes
from tumorlens.datasets import MaskLocation, Table
from tumorlens.errors import DataError

LOGGER = logging.getLogger(__name__)

SAME_FRAME_SIMILARITY = 0.7
"""Similarity of whole images from which both have the same frame, so that a mask of one fits the other.

On Nickparvar and on a COCO export, 1,599 images that show whole slices have 0.77 or more, and the others 0.27 or
less. Cropping 2 % off each side of a slice leaves 0.68 in the median, 3 % leaves 0.51.
"""


def reference_masks(table: Table, source: Table, *, progress: ProgressOption = None) -> Table:
    """The table with the reference masks of another set in place of its own masks.

    An image that shows a slice of the set gets the slice's mask, flipped or rotated like the image (see
    `tumorlens.datasets.reference_masks`), and its patient as group, together with its duplicates. All other images
    have no mask then: those without a source match, those that show only a part of a slice, and those whose slice has
    no mask in `source`. Labels stay. The notes give the counts.

    Args:
        table: gets the masks; its split stays, also where it has a recovered patient in two subsets.
        source: the reference set, with masks; one whose index ships with tumorlens (figshare).
        progress: a callable, True for bars, None for silence.

    Raises:
        DataError: there is no index of `source`, or no image of the table gets a mask.

    Example:
        >>> import tumorlens
        >>> source = tumorlens.open_table("figshare")  # the folder of the reference set
        >>> table = tumorlens.open_table("ours")  # class folders; the images are slices of that set, rotated
        >>> outlined = tumorlens.reference_masks(table, source)
        >>> [sum(sample.mask is not None for sample in one) for one in (table, outlined)]
        [0, 9]
    """
    indexes = shipped_indexes()
    index = next((one for one in indexes if one.name == source.name), None)
    if index is None:
        raise DataError(
            found=f"{source.name}: no reference set with a shipped index",
            expected=f"one of {[one.name for one in indexes]}",
            advice="use --reference-masks figshare:FOLDER",
        )
    with progress_of(progress) as shown:
        linked = find_linked_groups(table, progress=shown)
        matches = [match for match in linked.source_matches if match.reference == index.name]
        whole = _same_frame(table, matches, index, shown)
    mask_of_slice = {sample.id.partition("/")[2]: sample.mask for sample in source.samples}
    masks = {
        match.sample: MaskLocation(mask, dihedral=match.transform).path
        for match, fits in zip(matches, whole, strict=True)
        if fits and (mask := mask_of_slice.get(match.slice))
    }
    if not masks:
        with_mask = sum(mask is not None for mask in mask_of_slice.values())
        raise DataError(
            found=f"{table.name}: none of its {len(table):,} images gets a mask from {source.name}: {len(matches):,} "
            f"show one of its slices, and {with_mask:,} slices have a mask there",
            expected=f"whole slices of {source.name}, and their masks",
        )
    n_other, n_cropped, n_whole = len(table) - len(matches), len(matches) - sum(whole), sum(whole)
    counts = {
        f"{len(masks):,} of {len(table):,} images have the reference mask of their {index.name} slice": len(masks),
        f"{n_other:,} images show no slice of {index.name} and have no mask": n_other,
        f"{n_cropped:,} images show only a part of their slice and have no mask": n_cropped,
        f"{n_whole - len(masks):,} slices have no mask in this copy of {index.name}": n_whole - len(masks),
    }
    notes = tuple(f"{table.name}: {text}" for text, n in counts.items() if n)
    for note in notes:
        LOGGER.info("note: %s", note)
    samples = tuple(replace(sample, mask=masks.get(i)) for i, sample in enumerate(table.samples))
    return with_groups(replace(table, samples=samples, notes=(*table.notes, *notes)), linked)


def _same_frame(table: Table, matches: Sequence[SourceMatch], index: ReferenceIndex, progress: Progress) -> list[bool]:
    """For every match whether the image shows its slice whole: not cropped, and without a border around it."""
    row = {name: i for i, name in enumerate(index.slices)}
    records = read_image_records([table.samples[match.sample].image for match in matches], progress=progress)
    same = []
    for match, record in zip(matches, records, strict=True):
        if record.thumbnails is None:
            same.append(False)
            continue
        image = perceptual_hashes(record.thumbnails[0], **FINE_HASH)
        slice_ = transformed(index.fine[row[match.slice], 0], match.transform)
        same.append(bool(unit_vectors(image) @ unit_vectors(slice_) >= SAME_FRAME_SIMILARITY))
    return same
