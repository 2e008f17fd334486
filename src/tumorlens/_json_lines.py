"""Rows of JSON in a file, one a line: written as they come, and read again after an interrupt or a full disk."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from tumorlens._record import SURROGATES


class JsonLines:
    """A file with one JSON object a line, open for appending.

    Args:
        path: of the file; created by `open`.

    Attributes:
        path: as given.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> None:
        """Open the file for rows to add."""
        self._stream: BinaryIO = self.path.open("ab")

    def close(self) -> None:
        """Close it; a disk that is full is not reported again."""
        with contextlib.suppress(OSError):
            self._stream.close()

    def add(self, row: Mapping[str, Any]) -> str:
        """Write one row; it is complete on the disk when this returns, or not there at all.

        Returns:
            The row in one line, without the line break.

        Raises:
            OSError: the disk is full.
        """
        line = json.dumps(row, ensure_ascii=False)
        end = self._stream.seek(0, 2)
        try:
            self._stream.write((line + "\n").encode("utf-8", SURROGATES))
            self._stream.flush()
        except OSError:
            with contextlib.suppress(OSError):
                self._stream.truncate(end)  # no half row
            raise
        return line

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows that are on the disk; a last line that is not complete is cut off."""
        if not self.path.is_file():
            return
        whole = 0
        with self.path.open("rb") as stream:
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                yield json.loads(line)
        if self.path.stat().st_size > whole:
            with self.path.open("rb+") as stream:
                stream.truncate(whole)
