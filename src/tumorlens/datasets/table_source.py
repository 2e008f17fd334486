"""CSV file, folder or NAME:FOLDER -> table: the data set is recognized by the layout of the folder."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from tumorlens.datasets.dataset_registry import DATASETS
from tumorlens.datasets.formats.csv_table import read_table
from tumorlens.datasets.table import Table, pool
from tumorlens.datasets.unannotated import Unannotated, resolve_unannotated
from tumorlens.errors import DataError

LOGGER = logging.getLogger(__name__)


def open_table(source: str | Path, *, unannotated: Unannotated = "error") -> Table:
    """Read a table from a CSV file, from a folder with a known layout, or from ``NAME:FOLDER``.

    Args:
        source: path or ``NAME:FOLDER``.
        unannotated: what to do with images that a set lists without an annotation: ``"error"``,
            ``"ignore"`` (left out), ``"negative"`` (no tumor), ``"keep"`` (a class of their own, for audits).

    Returns:
        The table; its notes are also log messages.

    Raises:
        DataError: the source does not exist, no layout fits, or images without annotation (for ``"error"``).

    Example:
        >>> import tumorlens
        >>> tumorlens.open_table("phantoms")  # a folder that was written by: tumorlens data phantom
        Table(phantom: 24 images, 12 patients, 4 classes, no split)
    """
    table = resolve_unannotated(_read(source), unannotated)
    for note in table.notes:
        LOGGER.info("note: %s", note)
    return table


def open_tables(sources: Iterable[str | Path], *, unannotated: Unannotated = "error") -> Table:
    """Pool several sources into one table: `open_table` for each, then `pool`.

    Example:
        >>> import tumorlens
        >>> tumorlens.open_tables(["phantoms", "ours"])  # a set of phantoms, and a folder for each class
        Table(phantom+ours: 33 images, 12 patients, 4 classes, no split)
    """
    return pool(open_table(source, unannotated=unannotated) for source in sources)


def _read(source: str | Path) -> Table:
    name, colon, rest = str(source).partition(":")
    if colon and name in DATASETS:
        return DATASETS[name].read(Path(rest).expanduser())  # the shell does not expand a ~ inside a word
    path = Path(source)
    if path.is_file():
        return read_table(path)
    if not path.is_dir():
        raise DataError(
            file=str(source),
            found="no such file or folder",
            expected=f"a table (.csv), a folder, or NAME:FOLDER with a NAME of {list(DATASETS)}",
        )
    for candidate in DATASETS.values():
        if candidate.recognizes(path):
            return candidate.read(path)
    raise DataError(
        file=path,
        found="holds no known data set",
        expected=f"class folders, or the layout of one of {list(DATASETS)}",
        advice="see the layouts with: tumorlens data list; or name a .csv table",
    )
