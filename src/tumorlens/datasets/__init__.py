"""Folders -> tables: the public sets, any folder of classes, any CSV table, and phantoms."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.download.http_download import Progress
from tumorlens.datasets.fingerprint import fingerprint
from tumorlens.datasets.formats import class_folders as folder
from tumorlens.datasets.formats import coco
from tumorlens.datasets.formats.csv_table import read_table, write_table
from tumorlens.datasets.reference_masks import MaskLocation, load_mask, read_sample_mask
from tumorlens.datasets.sets import br35h, figshare, navoneel, nickparvar, no_tumor, phantoms
from tumorlens.datasets.table import DUPLICATES_PREFIX, SPLITS, Sample, SplitPlan, SplitLevel, Table, check_groups, pool
from tumorlens.datasets.unannotated import UNANNOTATED, Unannotated, resolve_unannotated
from tumorlens.errors import DataError

# In the order in which a folder is tried; `folder` takes whatever has class folders, so it comes last.
DATASETS = {
    d.card.name: d
    for d in (
        figshare.DATASET,
        nickparvar.DATASET,
        br35h.DATASET,
        navoneel.DATASET,
        no_tumor.DATASET,
        phantoms.DATASET,
        coco.DATASET,
        folder.DATASET,
    )
}

__all__ = [
    "DATASETS",
    "DUPLICATES_PREFIX",
    "Dataset",
    "DatasetCard",
    "MaskLocation",
    "Progress",
    "SPLITS",
    "Sample",
    "SplitLevel",
    "SplitPlan",
    "Table",
    "UNANNOTATED",
    "Unannotated",
    "br35h",
    "check_groups",
    "coco",
    "dataset",
    "figshare",
    "fingerprint",
    "folder",
    "hint",
    "load_mask",
    "navoneel",
    "near",
    "nickparvar",
    "no_tumor",
    "open_table",
    "open_tables",
    "path",
    "phantoms",
    "pool",
    "read_sample_mask",
    "read_table",
    "resolve_unannotated",
    "write_table",
]


def dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises:
        DataError: no such name; says the nearest one.
    """
    if name not in DATASETS:
        near = difflib.get_close_matches(name, DATASETS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {list(DATASETS)}"
        raise DataError(f"no data set is called '{name}'; {hint}")
    return DATASETS[name]


def open_table(source: str | Path, *, unannotated: Unannotated = "error") -> Table:
    """A table from a CSV file, from a folder whose layout is recognized, or from ``NAME:FOLDER``.

    Args:
        source: what the user names.
        unannotated: what becomes of images that a set lists without saying what they show: ``"error"``,
            ``"ignore"`` (left out), ``"negative"`` (no tumor), ``"keep"`` (a class of their own, for audits).

    Raises:
        DataError: nothing there, no layout fits, or images without annotation (for ``"error"``).
    """
    return resolve_unannotated(_read(source), unannotated)


def open_tables(sources: Iterable[str | Path], *, unannotated: Unannotated = "error") -> Table:
    """Several sources pooled into one table: `open_table` for each, then `pool`."""
    return pool(open_table(source, unannotated=unannotated) for source in sources)


def _read(source: str | Path) -> Table:
    name, colon, rest = str(source).partition(":")
    if colon and name in DATASETS:
        return DATASETS[name].read(Path(rest).expanduser())  # the shell leaves a ~ inside a word alone
    path = Path(source)
    if path.is_file():
        return read_table(path)
    if not path.is_dir():
        raise DataError(
            f"{source}: no such file or folder; expected a table (.csv), a folder, or NAME:FOLDER "
            f"with a NAME of {list(DATASETS)}"
        )
    for candidate in DATASETS.values():
        if candidate.recognizes(path):
            return candidate.read(path)
    raise DataError(
        f"{path}: holds no data set known here; expected class folders, or the layout of one of "
        f"{list(DATASETS)} (see: tumorlens data list), or name a .csv table"
    )
