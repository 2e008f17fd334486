"""CSV file -> rows, also of a spreadsheet that writes a byte order mark."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from tumorlens.errors import DataError

CsvRow = dict[str, str]


def read_rows(path: Path, required: Iterable[str]) -> list[tuple[int, CsvRow]]:
    """Line number and values of every row.

    Column names become lower case; spaces around names and values are removed. Lines that begin with ``#`` above the
    header and empty lines are skipped.

    Args:
        path: a CSV file in UTF-8, separated by commas.
        required: columns that must exist.

    Raises:
        DataError: not such a file, a column is missing, or a row has more values than the header.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            above, header = 1, stream.readline()
            while header.startswith("#"):
                above, header = above + 1, stream.readline()
            columns = [name.strip().lower() for name in next(csv.reader([header]), [])]
            reader = csv.DictReader(stream, columns, restval="")
            rows = [(above + reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            file=path, found=f"is not a CSV file in UTF-8 ({error})", advice="export it as 'CSV UTF-8'"
        ) from None
    missing = [name for name in required if name not in columns]
    if missing:
        raise DataError(
            file=path,
            found=f"no column {missing} among {columns}",
            expected="these columns in the first line, separated by commas",
        )
    for line, row in rows:
        if None in row:
            raise DataError(
                file=path,
                line=line,
                found=f"more values than the {len(columns)} columns",
                advice="put a value that holds a comma into double quotes",
            )
    return [(line, {name: value.strip() for name, value in row.items()}) for line, row in rows]
