"""table -> KnownSet, a set's fingerprints with slice, patient and label; and images traced back to it.

An index holds facts and codes, no images. The one of Cheng's Figshare set ships with tumorlens, because
most public brain-tumor sets are made of its slices without saying which.
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
from tumorlens.auditing.duplicates.image_records import ImageRecord, Progress, image_records, stepwise
from tumorlens.auditing.duplicates.candidate_pairs import candidate_pairs
from tumorlens.auditing.duplicates.perceptual_hash import VIEWS, Hashes, Thumbnails, codes, turned, unit
from tumorlens.auditing.issues import SourceMatch
from tumorlens.datasets import Table
from tumorlens.errors import DataError

POSSIBLE = 0.72
"""Similarity of coarse codes from which fine ones are compared."""

SURE = 0.81
"""Similarity of fine codes from which an image is that slice; images from elsewhere reach 0.64 on Figshare."""

COARSE = {"side": 16, "radius": 1}
FINE = {"side": 32, "radius": 2}
_VERSION = 2  # raise it when codes change
_BATCH = 2048  # candidate pairs compared at once


@dataclass(frozen=True, eq=False)
class ReferenceIndex:
    """The index of one set.

    Attributes:
        name: of the set.
        slices: (N,) names, such as the number of Figshare's .mat file.
        patients: (N,) without the set's name; "" where not known.
        labels: (N,) class names.
        coarse: (N, 4, 256) int8 codes.
        fine: (N, 4, 1024) int8 codes.
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
        held: dict[str, Any] = {"version": np.array(_VERSION), "name": np.array(self.name)}
        for key in ("slices", "patients", "labels"):
            held[key] = np.array(getattr(self, key), dtype=str)
        for key in ("coarse", "fine"):
            held[f"{key}_bright"] = np.packbits(getattr(self, key) == 1, axis=-1)
            held[f"{key}_dark"] = np.packbits(getattr(self, key) == -1, axis=-1)
        with atomic_write(Path(path)) as part, part.open("wb") as stream:
            np.savez_compressed(stream, **held)

    @classmethod
    def load(cls, path: str | Path) -> ReferenceIndex:
        """Read what `save` wrote.

        Raises:
            DataError: no such file, or no index of this version.
        """
        try:
            with np.load(path, allow_pickle=False) as held:
                if int(held["version"]) != _VERSION:
                    raise DataError(f"{path}: index of version {held['version']}; expected {_VERSION}; make it anew")
                slices, patients, labels = (tuple(map(str, held[key])) for key in ("slices", "patients", "labels"))
                coarse, fine = (
                    np.unpackbits(held[f"{key}_bright"], axis=-1).astype(np.int8)
                    - np.unpackbits(held[f"{key}_dark"], axis=-1).astype(np.int8)
                    for key in ("coarse", "fine")
                )
                return cls(str(held["name"]), slices, patients, labels, coarse, fine)
        except FileNotFoundError:
            raise DataError(f"{path}: no such file; expected an index made by: tumorlens audit index") from None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise DataError(f"{path}: no index ({error}); expected one made by: tumorlens audit index") from None


def build_index(table: Table, *, name: str | None = None, progress: Progress | None = None) -> ReferenceIndex:
    """Index a table, so that other data can be traced back to it.

    Args:
        table: with patients in `group`, where they are known.
        name: of the set; the table's own if left out.
        progress: called with (done, total).

    Raises:
        DataError: no image of it can be read.
    """
    seen = image_records([sample.image for sample in table.samples], progress=progress)
    rows = [i for i, one in enumerate(seen) if one.thumbnails is not None]
    if not rows:
        raise DataError(f"{table.name}: none of its {len(table)} images can be indexed; expected at least one")
    samples = [table.samples[i] for i in rows]
    drawings = _stack([seen[i] for i in rows])
    stems = [sample.image.stem for sample in samples]
    unique = len(set(stems)) == len(stems)
    return ReferenceIndex(
        name=name or table.name,
        slices=tuple(stems if unique else [s.id.partition("/")[2] for s in samples]),
        patients=tuple((s.group or "").partition(":")[2] for s in samples),
        labels=tuple(s.label for s in samples),
        coarse=codes(drawings, **COARSE),
        fine=codes(drawings, **FINE),
    )


@cache
def shipped() -> tuple[ReferenceIndex, ...]:
    """The indexes that come with tumorlens."""
    folder = resources.files("tumorlens.auditing.provenance") / "indexes"
    found = []
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".npz"):
            with resources.as_file(entry) as path:
                found.append(ReferenceIndex.load(path))
    return tuple(found)


def trace(
    image_records: Sequence[ImageRecord], known: ReferenceIndex, *, progress: Progress | None = None
) -> list[SourceMatch]:
    """The images that are slices of a known set, however flipped, framed or re-encoded.

    Args:
        image_records: one for each sample, in the table's order.
        known: the set.
        progress: called with (done, total).

    Returns:
        For every such image the slice it resembles most, in the samples' order.
    """
    rows = np.array([i for i, one in enumerate(image_records) if one.thumbnails is not None], dtype=np.int64)
    if not len(rows):
        return []
    drawings = _stack([image_records[i] for i in rows])
    coarse, fine = codes(drawings, **COARSE), codes(drawings, **FINE)
    best: dict[int, SourceMatch] = {}
    for view in range(VIEWS):
        # Elsewhere no image comes near `SURE`, so what one view has traced the next need not look at.
        left = np.array([row for row in range(len(rows)) if int(rows[row]) not in best], dtype=np.int64)
        if not len(left):
            break
        part = stepwise(progress, view, VIEWS)
        one_view = slice(view, view + 1)
        pairs = candidate_pairs(coarse[left, one_view], known.coarse[:, one_view], at_least=POSSIBLE, progress=part)
        similarity = _fine_similarity(fine, known.fine, left[pairs.first], pairs.second, pairs.turn)
        for pair in np.flatnonzero(similarity >= SURE):
            sample, slice_ = int(rows[left[pairs.first[pair]]]), int(pairs.second[pair])
            if sample not in best or similarity[pair] > best[sample].similarity:
                best[sample] = SourceMatch(
                    sample=sample,
                    known=known.name,
                    slice=known.slices[slice_],
                    patient=known.patients[slice_] or None,
                    label=known.labels[slice_],
                    turn=int(pairs.turn[pair]),
                    similarity=float(similarity[pair]),
                )
    return [best[sample] for sample in sorted(best)]


def mislabeled(table: Table, source_matches: Sequence[SourceMatch]) -> list[tuple[SourceMatch, str]]:
    """Images whose file name claims another slice than the one they show.

    Names mean something only where nearly all of a set's traced files begin with the number of their slice.

    Returns:
        (trace, the number in the file's name) for the exceptions.
    """
    claims: list[tuple[SourceMatch, str]] = []
    for one in source_matches:
        number = re.match(r"\d+", table.samples[one.sample].image.stem)
        claims.append((one, number.group() if number else ""))
    wrong = [(one, claim) for one, claim in claims if claim != one.slice]
    return [(one, claim) for one, claim in wrong if claim] if len(wrong) <= 0.1 * len(claims) else []


def _fine_similarity(fine: Hashes, others: Hashes, first: Ints, second: Ints, turn: Ints) -> Floats32:
    """The best agreement of fine codes over the views, for pairs in the turn found with coarse ones."""
    best = np.full(len(first), -1, dtype=np.float32)
    for k in np.unique(turn):
        rows = np.flatnonzero(turn == k)
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            for view in range(VIEWS):
                one = unit(fine[first[part], view])
                other = unit(turned(others[second[part], view], int(k)))
                best[part] = np.maximum(best[part], np.einsum("nc,nc->n", one, other))
    return best


def _stack(seen: Sequence[ImageRecord]) -> Thumbnails:
    return np.stack([one.thumbnails for one in seen if one.thumbnails is not None])
