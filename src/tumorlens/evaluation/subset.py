"""Run + what is asked for -> the samples to measure, checked to be what the run may be measured on, and the facts."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from tumorlens.datasets import Table, fingerprint
from tumorlens.errors import DataError, RunError, SplitError
from tumorlens.report.text import evidence
from tumorlens.stats import ClusterBootstrap, Estimate
from tumorlens.training import Run
from tumorlens.training.run import WEIGHTS


def choose_subset(run: Run, table: Table | None = None, split: str = "test") -> tuple[Table, Table, str]:
    """What is measured.

    Args:
        run: a finished run.
        table: other data, all of it; None for the run's own `split`.
        split: of the run's own data.

    Returns:
        The run's own data, the samples to measure, and the name of that part: the split, or ``"all"``.

    Raises:
        SplitError: other data that shares patients or images with the run's training part.
        DataError: labels the run does not know, or an empty split.
        RunError: the run's data changed since.
    """
    own = run.table()
    if table is None:
        _check_unchanged(run, own)
        return own, own.subset(split), split
    _check_foreign(run, own, table)
    return own, table, "all"


def bootstrap_of(part: Table, *, n_resamples: int = 2000, seed: int = 0) -> ClusterBootstrap:
    """The samples, by patient where patients are known, and how the bootstrap draws them."""
    known = sum(s.patient is not None for s in part.samples)
    unit = "patient" if known == len(part) else "patient or image" if known else "image"
    return ClusterBootstrap([s.unit for s in part.samples], unit, n_resamples, seed)


def spread(units: Sequence[str], limit: int) -> list[int]:
    """Positions of at most `limit` images, in order: the middle one of every unit, then second ones, and so on.

    Of each unit they come from its whole length, since neighboring slices resemble each other.
    """
    of: dict[str, list[int]] = {}
    for position, unit in enumerate(units):
        of.setdefault(unit, []).append(position)
    turns = sorted(
        (turn, number, position)
        for number, positions in enumerate(of.values())
        for turn, position in enumerate(_from_the_middle(positions))
    )
    if limit < len(of):  # not the first units alone: their names may sort by class
        step = len(of) / limit
        wanted = {int(step * i) for i in range(limit)}
        turns = [turn for turn in turns if turn[1] in wanted]
    return sorted(position for _, _, position in turns[:limit])


def facts_of(run: Run, part: Table, figure: Estimate, *, foreign: bool) -> dict[str, Any]:
    """Run, data, split and their hashes, as plain data; the evidence is that of the figure."""
    record = run.record
    return {
        "run": run.folder.name,
        "model": run.spec.model,
        "weights": weights_hash(run),
        "recipe": record["recipe"],
        "pretrained": record["pretrained"],
        "training_seed": record["seed"],
        "data": part.name,
        "data_fingerprint": fingerprint(part) if foreign else record["data_fingerprint"],
        "foreign": foreign,
        "split": record["split"],
        "split_hash": record["split_hash"],
        "images": len(part),
        "patients": len({s.patient for s in part.samples if s.patient}),
        "unit": figure.unit,
        "units": figure.units,
        "evidence": evidence(figure),
        "notes": list(part.notes),
    }


def weights_hash(run: Run) -> str:
    """SHA-256 of the run's weights: what an evaluation belongs to."""
    return sha256((run.folder / WEIGHTS).read_bytes()).hexdigest()


def _check_unchanged(run: Run, table: Table) -> None:
    now, then = fingerprint(table), run.record["data_fingerprint"]
    if now != then:
        raise RunError(
            f"{run.folder}: the images have changed since training (fingerprint {now[:8]} found, {then[:8]} "
            "expected); restore them, or train anew"
        )


def _check_foreign(run: Run, own: Table, table: Table) -> None:
    unknown = sorted({s.label for s in table.samples} - set(run.spec.classes))
    if unknown:
        raise DataError(
            f"{table.name}: classes {unknown} found; the run knows {list(run.spec.classes)}. Use its names, "
            "or, for images that say only whether there is a tumor, tumor and no_tumor"
        )
    seen = {s.unit for s in own.samples if s.split in ("train", "val")}
    shared = sorted({s.unit for s in table.samples} & seen)
    if shared:
        raise SplitError(
            f"{table.name}: {len(shared)} of its patients or images were in the run's training or validation "
            f"part, the first is {shared[0]}; expected data the run has never seen"
        )


def _from_the_middle(positions: list[int]) -> list[int]:
    """The middle of a row, then the middles of both halves, and so on."""
    found, open_ = [], [(0, len(positions))]
    while open_:
        first, end = open_.pop(0)
        if first < end:
            middle = (first + end) // 2
            found.append(positions[middle])
            open_ += [(first, middle), (middle + 1, end)]
    return found
