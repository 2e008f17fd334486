"""Rows of JSON that survive an interrupt and a full disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tumorlens._json_lines import JsonLines


def test_rows_are_added_and_a_half_row_of_an_interrupt_is_cut_off(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "rows.jsonl")
    assert list(lines.rows()) == []
    lines.open()
    assert lines.add({"a": 1, "name": "\udcff é"}) == '{"a": 1, "name": "\udcff é"}'
    lines.close()
    with lines.path.open("ab") as stream:
        stream.write(b'{"a": 2')
    assert [row["a"] for row in lines.rows()] == [1]
    assert lines.path.read_bytes().endswith(b"}\n")


def test_a_full_disk_leaves_no_half_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = JsonLines(tmp_path / "rows.jsonl")
    lines.open()
    lines.add({"a": 1})

    class FullDisk:
        """Writes half of what it gets."""

        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def __getattr__(self, name: str) -> Any:
            return getattr(self.stream, name)

        def write(self, data: bytes) -> None:
            self.stream.write(data[: len(data) // 2])
            self.stream.flush()
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(lines, "_stream", FullDisk(lines._stream))
    with pytest.raises(OSError, match="No space"):
        lines.add({"a": 2})
    assert lines.path.read_bytes() == b'{"a": 1}\n'
