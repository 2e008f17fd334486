"""A folder of results belongs to one run: it is claimed before work begins, by one process at a time."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens._results_folder import claim_folder, new_folder
from tumorlens.errors import ResultsFolderError

HOLD = """
import sys, time
from tumorlens._results_folder import claim_folder
with claim_folder(sys.argv[1]) as folder:
    (folder / "result").touch()
    print("claimed", flush=True)
    time.sleep(60)
"""


def test_a_new_and_an_empty_folder_can_be_claimed(tmp_path: Path) -> None:
    for folder in (tmp_path / "a" / "new", tmp_path):
        with claim_folder(folder) as claimed:
            (claimed / "result").touch()
        assert [entry.name for entry in folder.iterdir() if entry.is_file()] == ["result"]
        (folder / "result").unlink()
        if folder != tmp_path:
            folder.rmdir()
            folder.parent.rmdir()


def test_a_folder_that_stays_empty_is_removed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="failed"), claim_folder(tmp_path / "new"):
        raise ValueError("failed")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    expected = "a new or an empty folder"
    found, file = r"it holds notes\.txt", str(tmp_path)
    with assert_refused(ResultsFolderError, file=file, found=found, expected=expected), claim_folder(tmp_path):
        pass
    (tmp_path / "run.json").write_text('{"verb": "train"}')
    with assert_refused(ResultsFolderError, found="holds results of 'train'"), claim_folder(tmp_path):
        pass
    assert {entry.name for entry in tmp_path.iterdir()} == {"notes.txt", "run.json"}


def test_a_run_that_was_started_is_claimed_again_to_resume_it(tmp_path: Path) -> None:
    (tmp_path / "started.json").touch()
    with claim_folder(tmp_path, started=True) as folder:
        assert (folder / "started.json").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["started.json"]


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with assert_refused(ResultsFolderError, found="is a file"), claim_folder(tmp_path / "file"):
        pass


def test_while_one_process_writes_another_is_refused_and_after_a_kill_the_folder_is_free(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "claimed\n"
        for started in (False, True):
            with assert_refused(ResultsFolderError, found="another process"), claim_folder(folder, started=started):
                pass
    finally:
        child.kill()
        child.communicate()
    with claim_folder(folder, started=True):
        pass


def test_of_many_claims_at_one_time_one_succeeds(tmp_path: Path) -> None:
    def claim(number: int) -> bool:
        try:
            with claim_folder(tmp_path / "run") as folder:
                (folder / str(number)).touch()
                return True
        except ResultsFolderError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(32))) == 1
    assert len(list((tmp_path / "run").iterdir())) == 1


def test_many_processes_that_ask_for_a_new_folder_get_different_ones(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: new_folder(tmp_path, "name"), range(16)))
    assert {folder.name for folder in folders} == {"name", *(f"name-{number}" for number in range(2, 17))}
