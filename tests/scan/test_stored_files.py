"""The files of folders and archives; nothing is unpacked, and nothing outside is named."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tumorlens.errors import ScanError
from tumorlens.scan import stored_files as module
from tumorlens.scan.stored_files import stored_files


def test_files_of_a_folder_are_sorted_and_hidden_ones_are_left_out(tmp_path: Path) -> None:
    for name in ("b/2", "a", "b/1", ".hidden", "._a", "__MACOSX/a", ".git/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert [file.path.relative_to(tmp_path).as_posix() for file in stored_files(tmp_path)] == ["a", "b/1", "b/2"]


def test_members_of_an_archive_are_read_without_unpacking_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("s/2", b"two")
        archive.writestr("s/1", b"one")
        archive.writestr("__MACOSX/s/1", b"")
    files = list(stored_files(tmp_path / "x.zip"))
    assert [(file.path.relative_to(tmp_path).as_posix(), file.open().read()) for file in files] == [
        ("x.zip/s/1", b"one"),
        ("x.zip/s/2", b"two"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "..\\x", "C:\\x"])
def test_a_member_outside_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(ScanError) as caught:
        list(stored_files(tmp_path / "x.zip"))
    assert "outside" in caught.value.found


def test_a_member_that_is_too_large_unpacked_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(10_000))
    monkeypatch.setattr(module, "MAX_MEMBER_BYTES", 1000)
    (member,) = stored_files(tmp_path / "x.zip")
    with pytest.raises(ScanError):
        member.open()
    monkeypatch.setattr(module, "MAX_ARCHIVE_BYTES", 1000)
    with pytest.raises(ScanError) as caught:
        list(stored_files(tmp_path / "x.zip"))
    assert "10,000 bytes" in caught.value.found


def test_a_damaged_archive_or_member_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(range(256)) * 40)
    data = bytearray(path.read_bytes())
    data[40:60] = bytes(20)
    path.write_bytes(data)
    with pytest.raises(ScanError):
        next(iter(stored_files(path))).open()
    path.write_bytes(data[:100])
    with pytest.raises(ScanError):
        list(stored_files(path))
    with pytest.raises(ScanError):
        list(stored_files(tmp_path / "missing"))
