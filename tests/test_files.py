"""Files are written completely or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tumorlens._files import atomic_write
from tumorlens.errors import TumorlensError


def test_a_file_exists_only_after_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "x.txt"
    with atomic_write(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_keeps_the_old_file_and_deletes_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), atomic_write(path) as temporary:
        temporary.write_text("half \udcff", encoding="utf-8")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_file_is_left_if_nothing_was_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "x.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TumorlensError) as error, atomic_write(tmp_path):
        pytest.fail("nothing may be written")
    assert (error.value.file, error.value.found) == (str(tmp_path), "is a folder")
    assert error.value.expected == "the name of a file to write"
    assert list(tmp_path.iterdir()) == []
