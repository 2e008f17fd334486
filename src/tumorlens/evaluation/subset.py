"""Run + subset or external table -> the samples to measure, checked that the run may be measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tumorlens.datasets import Sample, Table, fingerprint, read_sample_mask
from tumorlens.errors import DataError, RunError, SplitError
from tumorlens.stats import ClusterBootstrap

if TYPE_CHECKING:
    from tumorlens.training import Run


def choose_subset(run: Run, table: Table | None = None, subset: str = "test") -> tuple[Table, Table, str]:
    """The samples to measure.

    Args:
        run: a finished run.
        table: external data, all of it; None for a subset of the run's own data.
        subset: of the run's own data.

    Returns:
        The run's own data, the samples to measure, and the name of the subset; ``"all"`` for external data.

    Raises:
        SplitError: external data that shares patients or images with the run's train or validation subset.
        DataError: labels the run does not know, or an empty subset.
        RunError: the run's data changed since.
    """
    own = run.table()
    if table is None:
        _check_unchanged(run, own)
        return own, own.subset(subset), subset
    _check_external(run, own, table)
    return own, table, "all"


def bootstrap_of(subset: Table, *, n_resamples: int = 2000, seed: int = 0) -> ClusterBootstrap:
    """The sampling units of the samples: patients where they are known, else images."""
    known = sum(s.patient is not None for s in subset.samples)
    unit = "patient" if known == len(subset) else "patient or image" if known else "image"
    return ClusterBootstrap([s.unit for s in subset.samples], unit, n_resamples, seed)


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


def with_reference_tumor(samples: Sequence[Sample]) -> list[int]:
    """Positions of the samples whose reference mask shows a tumor.

    Raises:
        ScanError, DataError: a mask cannot be read, or does not fit its image.
    """
    return [i for i, sample in enumerate(samples) if (mask := read_sample_mask(sample)) is not None and mask.any()]


def _check_unchanged(run: Run, table: Table) -> None:
    now, then = fingerprint(table), run.record.data_fingerprint
    if now != then:
        raise RunError(
            file=run.folder,
            found=f"the images have changed since training and have fingerprint {now[:8]}",
            expected=then[:8],
            advice="restore them, or train anew",
        )


def _check_external(run: Run, own: Table, table: Table) -> None:
    check_classes(table, run.spec.classes)
    check_disjoint(own, table)


def check_classes(table: Table, classes: Sequence[str]) -> None:
    """Check that the network knows all classes of external data.

    Raises:
        DataError: it does not.
    """
    unknown = sorted({s.label for s in table.samples} - set(classes))
    if unknown:
        raise DataError(
            found=f"{table.name}: classes {unknown} found",
            expected=f"those of the run, {list(classes)}",
            advice="use its names, or tumor and no_tumor for images that are labeled tumor / no tumor only",
        )


def check_disjoint(own: Table, table: Table, whose: str = "the run's") -> None:
    """Check that external data shares no patient and no image with the train and validation subsets of a network.

    Args:
        own: data of the network.
        table: external data.
        whose: subsets they are, for the message.

    Raises:
        SplitError: it does.
    """
    seen = {s.unit for s in own.samples if s.split in ("train", "val")}
    shared = sorted({s.unit for s in table.samples} & seen)
    if shared:
        raise SplitError(
            found=f"{table.name}: {len(shared)} of its patients or images are in {whose} train or "
            f"validation subset, the first is {shared[0]}",
            expected="data that the network was not trained or validated on",
        )


def _from_the_middle(positions: list[int]) -> list[int]:
    """The middle of a row, then the middles of both halves, and so on."""
    order, open_ = [], [(0, len(positions))]
    while open_:
        first, end = open_.pop(0)
        if first < end:
            middle = (first + end) // 2
            order.append(positions[middle])
            open_ += [(first, middle), (middle + 1, end)]
    return order
