"""table -> ReferenceIndex, the perceptual hashes of a reference set; and images -> source matches in such an index.

An index holds hashes, slice names, patients and labels, no images. The index of Cheng's Figshare set ships with
tumorlens, because most public brain-tumor sets contain its slices without reference to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from tumorlens._arrays import Floats32, Ints
from tumorlens._files import atomic_write
from tumorlens._progress import Progress, ProgressOption, part_of, progress_of, silent, stage_of
from tumorlens.auditing.duplicates.candidate_pairs import CandidatePairs, candidate_pairs
from tumorlens.auditing.duplicates.image_records import ImageRecord, read_image_records
from tumorlens.auditing.duplicates.perceptual_hash import (
    VIEWS,
    Hashes,
    Thumbnails,
    perceptual_hashes,
    transformed,
    unit_vectors,
)
from tumorlens.auditing.issues import SourceMatch
from tumorlens.datasets import Table
from tumorlens.errors import DataError

SOURCE_CANDIDATE_SIMILARITY = 0.72
"""Similarity of coarse hashes from which fine hashes are compared."""

SOURCE_SIMILARITY = 0.81
"""Similarity of fine hashes from which an image shows that slice; external images reach 0.64 on Figshare."""

COARSE_HASH = {"side": 16, "radius": 1}
FINE_HASH = {"side": 32, "radius": 2}
_VERSION = 2  # raise it when the hashes change
_BATCH = 2048  # candidate pairs compared at once


@dataclass(frozen=True, eq=False)
class ReferenceIndex:
    """The index of one reference set.

    Attributes:
        name: of the set.
        slices: (N,) names, such as the number of Figshare's .mat file.
        patients: (N,) without the set's name; "" where not known.
        labels: (N,) class names.
        coarse: (N, 4, 256) int8 hashes.
        fine: (N, 4, 1024) int8 hashes.
    """

    name: str
    slices: tuple[str, ...]
    patients: tuple[str, ...]
    labels: tuple[str, ...]
    coarse: Hashes
    fine: Hashes

    def __len__(self) -> int:
        return len(self.slices)

    def save(self, path: str | Path) -> None:
        """Write it as one .npz file, whole or not at all."""
        arrays: dict[str, Any] = {"version": np.array(_VERSION), "name": np.array(self.name)}
        for key in ("slices", "patients", "labels"):
            arrays[key] = np.array(getattr(self, key), dtype=str)
        for key in ("coarse", "fine"):
            arrays[f"{key}_bright"] = np.packbits(getattr(self, key) == 1, axis=-1)
            arrays[f"{key}_dark"] = np.packbits(getattr(self, key) == -1, axis=-1)
        with atomic_write(Path(path)) as part, part.open("wb") as stream:
            np.savez_compressed(stream, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> ReferenceIndex:
        """Read an index file.

        Raises:
            DataError: no such file, or no index of this version.
        """
        expected = "an index made with: tumorlens index"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                if (version := int(arrays["version"])) != _VERSION:
                    raise DataError(
                        file=path,
                        found=f"index of version {version}",
                        expected=f"version {_VERSION}",
                        advice="make it again with: tumorlens index",
                    )
                slices, patients, labels = (tuple(map(str, arrays[key])) for key in ("slices", "patients", "labels"))
                coarse, fine = (
                    np.unpackbits(arrays[f"{key}_bright"], axis=-1).astype(np.int8)
                    - np.unpackbits(arrays[f"{key}_dark"], axis=-1).astype(np.int8)
                    for key in ("coarse", "fine")
                )
                return cls(str(arrays["name"]), slices, patients, labels, coarse, fine)
        except FileNotFoundError:
            raise DataError(file=path, found="no such file", expected=expected) from None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise DataError(file=path, found=f"no index ({error})", expected=expected) from None


def build_index(table: Table, *, name: str | None = None, progress: ProgressOption = None) -> ReferenceIndex:
    """Index a table, so that images of other data sets can be matched to it.

    Args:
        table: with patients in `group`, where they are known.
        name: of the set; the table's name if None.
        progress: a callable, True for bars, None for silence.

    Raises:
        DataError: none of its images can be read.
    """
    with progress_of(progress) as shown:
        records = read_image_records([sample.image for sample in table.samples], progress=shown)
    rows = [i for i, record in enumerate(records) if record.thumbnails is not None]
    if not rows:
        raise DataError(
            found=f"{table.name}: none of its {len(table)} images can be indexed",
            expected="at least one readable image that is not blank",
        )
    samples = [table.samples[i] for i in rows]
    thumbnails = _stack([records[i] for i in rows])
    stems = [sample.image.stem for sample in samples]
    unique = len(set(stems)) == len(stems)
    return ReferenceIndex(
        name=name or table.name,
        slices=tuple(stems if unique else [s.id.partition("/")[2] for s in samples]),
        patients=tuple((s.group or "").partition(":")[2] for s in samples),
        labels=tuple(s.label for s in samples),
        coarse=perceptual_hashes(thumbnails, **COARSE_HASH),
        fine=perceptual_hashes(thumbnails, **FINE_HASH),
    )


@cache
def shipped_indexes() -> tuple[ReferenceIndex, ...]:
    """The indexes shipped with tumorlens."""
    folder = resources.files("tumorlens.auditing.provenance") / "indexes"
    indexes = []
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".npz"):
            with resources.as_file(entry) as path:
                indexes.append(ReferenceIndex.load(path))
    return tuple(indexes)


def match_sources(
    records: Sequence[ImageRecord], index: ReferenceIndex, *, progress: Progress = silent
) -> list[SourceMatch]:
    """Find the images that show slices of a reference set, also flipped, rotated, framed or re-encoded.

    Args:
        records: one for each sample, in the table's order.
        index: of the reference set.
        progress: called while images are compared.

    Returns:
        For every such image its most similar slice, in the samples' order.
    """
    rows = np.array([i for i, record in enumerate(records) if record.thumbnails is not None], dtype=np.int64)
    if not len(rows):
        return []
    thumbnails = _stack([records[i] for i in rows])
    coarse, fine = perceptual_hashes(thumbnails, **COARSE_HASH), perceptual_hashes(thumbnails, **FINE_HASH)
    best: dict[int, SourceMatch] = {}
    for view in range(VIEWS):
        # No external image comes near `SOURCE_SIMILARITY`, so images matched in one view are skipped in the next.
        left = np.array([row for row in range(len(rows)) if int(rows[row]) not in best], dtype=np.int64)
        if not len(left):
            break
        step = stage_of(part_of(progress, view, VIEWS), "matching reference sets")
        one_view = slice(view, view + 1)
        pairs = candidate_pairs(
            coarse[left, one_view], index.coarse[:, one_view], at_least=SOURCE_CANDIDATE_SIMILARITY, progress=step
        )
        similarity = _fine_similarity(fine, index.fine, left[pairs.first], pairs.second, pairs.transform)
        for pair in np.flatnonzero(similarity >= SOURCE_SIMILARITY):
            sample = int(rows[left[pairs.first[pair]]])
            if sample not in best or similarity[pair] > best[sample].similarity:
                best[sample] = _match(index, sample, pairs, int(pair), float(similarity[pair]))
    return [best[sample] for sample in sorted(best)]


def misnamed_files(table: Table, source_matches: Sequence[SourceMatch]) -> list[tuple[SourceMatch, str]]:
    """Images whose file name begins with the number of another slice than the one shown.

    File names count only where nearly all matched files of a set begin with the number of their slice.

    Returns:
        (match, the number in the file's name) for the exceptions.
    """
    numbers: list[tuple[SourceMatch, str]] = []
    for match in source_matches:
        number = re.match(r"\d+", table.samples[match.sample].image.stem)
        numbers.append((match, number.group() if number else ""))
    wrong = [(match, number) for match, number in numbers if number != match.slice]
    return [(match, number) for match, number in wrong if number] if len(wrong) <= 0.1 * len(numbers) else []


def _match(index: ReferenceIndex, sample: int, pairs: CandidatePairs, pair: int, similarity: float) -> SourceMatch:
    row = int(pairs.second[pair])
    return SourceMatch(
        sample=sample,
        reference=index.name,
        slice=index.slices[row],
        patient=index.patients[row] or None,
        label=index.labels[row],
        transform=int(pairs.transform[pair]),
        similarity=similarity,
    )


def _fine_similarity(fine: Hashes, others: Hashes, first: Ints, second: Ints, transform: Ints) -> Floats32:
    """The best similarity of fine hashes over the views, for pairs with the transform of their coarse hashes."""
    best = np.full(len(first), -1, dtype=np.float32)
    for k in np.unique(transform):
        rows = np.flatnonzero(transform == k)
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            for view in range(VIEWS):
                one = unit_vectors(fine[first[batch], view])
                other = unit_vectors(transformed(others[second[batch], view], int(k)))
                best[batch] = np.maximum(best[batch], np.einsum("nc,nc->n", one, other))
    return best


def _stack(records: Sequence[ImageRecord]) -> Thumbnails:
    return np.stack([record.thumbnails for record in records if record.thumbnails is not None])
