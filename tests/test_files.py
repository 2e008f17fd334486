"""Files are written completely or not at all, and the cache lies where the system keeps caches."""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs
import platformdirs.macos
import platformdirs.unix
import platformdirs.windows
import pytest

from tumorlens._files import atomic_write, cache_folder
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


def test_an_error_of_the_system_names_the_file_and_not_the_temporary_one(tmp_path: Path) -> None:
    name = "x" * 250  # too long with the ending of the temporary file
    with pytest.raises(OSError, match="too long") as caught, atomic_write(tmp_path / name) as temporary:
        temporary.write_text("new")
    assert caught.value.filename == str(tmp_path / name)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TumorlensError) as error, atomic_write(tmp_path):
        pytest.fail("nothing may be written")
    assert (error.value.file, error.value.found) == (str(tmp_path), "is a folder")
    assert error.value.expected == "the name of a file to write"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user who has set nothing."""
    for name in ("TUMORLENS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_user_sets_the_cache_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "xdg"))
    monkeypatch.setenv("TUMORLENS_CACHE", str(home / "mine"))
    assert cache_folder() == home / "mine"
    assert list(home.iterdir()) == []  # asking for the folder does not create it


def test_linux_keeps_the_cache_in_the_xdg_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.unix.Unix)
    assert cache_folder() == home / ".cache" / "tumorlens"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "xdg"))
    assert cache_folder() == home / "xdg" / "tumorlens"


@pytest.mark.skipif(sys.platform == "win32", reason="expands ~ from $HOME")
def test_macos_keeps_the_cache_in_the_library(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.macos.MacOS)
    assert cache_folder() == home / "Library" / "Caches" / "tumorlens"


def test_windows_keeps_the_cache_in_the_local_data_of_applications(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.windows.Windows)
    local = home / "AppData" / "Local"
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", {"CSIDL_LOCAL_APPDATA": str(local)}.__getitem__)
    assert cache_folder() == local / "tumorlens" / "Cache"
