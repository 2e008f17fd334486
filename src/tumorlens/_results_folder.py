"""A folder for results is claimed by one process before its work begins, and never holds the results of two runs."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from tumorlens.errors import ResultsFolderError

LOCK = ".lock"
"""Name of the file that is locked while a process writes to the folder; the system unlocks it if the process dies."""


@contextlib.contextmanager
def claim_folder(folder: str | Path, *, started: bool = False) -> Iterator[Path]:
    """Claim a folder for the results of one run until the block ends.

    A new or empty folder can be claimed, by one process at a time. A folder that is still empty at the end is removed.

    Args:
        folder: created if needed.
        started: the folder holds results of the same run, which are continued or replaced. The caller checks this.

    Raises:
        ResultsFolderError: it is a file, it holds other files, or another process is writing to it.

    Example:
        >>> import tempfile
        >>> with claim_folder(Path(tempfile.mkdtemp()) / "new") as folder:
        ...     (folder / "result.txt").write_text("done")
        4
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise ResultsFolderError(file=path, found="is a file", expected="the name of a new folder")
    path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ResultsFolderError(
            file=path,
            found="another process is writing results to this folder",
            advice="wait until it has ended, or choose another folder",
        ) from None
    try:
        if not started and (others := sorted(entry.name for entry in path.iterdir() if entry.name != LOCK)):
            raise ResultsFolderError(
                file=path,
                found=_content(path, others),
                expected="a new or an empty folder",
                advice="choose another folder, or remove this one",
            )
        yield path
    finally:
        (path / LOCK).unlink(missing_ok=True)  # before the release, so that nobody locks a file that is about to go
        lock.release()
        with contextlib.suppress(OSError):  # not empty
            path.rmdir()


def new_folder(parent: Path, name: str) -> Path:
    """Create the first of ``parent/name``, ``parent/name-2``, ``parent/name-3`` ... that does not exist.

    Two processes that ask at one time get two folders.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError("unreachable")


def _content(folder: Path, names: list[str]) -> str:
    """What a folder holds, in words: the verb of its record, or its first file."""
    try:
        verb = json.loads((folder / "run.json").read_text(encoding="utf-8"))["verb"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"is not empty, it holds {names[0]}" + f" and {len(names) - 1} more" * (len(names) > 1)
    return f"holds results of '{verb}'"
