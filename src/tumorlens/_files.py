"""Atomic writing of files, and the cache folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tumorlens.errors import TumorlensError


def cache_folder() -> Path:
    """The folder for files that can be computed again: $TUMORLENS_CACHE, else where the system keeps such files."""
    if folder := os.environ.get("TUMORLENS_CACHE"):
        return Path(folder)
    import platformdirs  # here, so that commands without a cache do not wait for it

    return platformdirs.user_cache_path("tumorlens", appauthor=False)  # no folder of a company around it on Windows


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A temporary path to write to; renamed to `path` if the block succeeds, deleted if it fails.

    The temporary file lies in the same folder, which is created if needed, so that the last step is
    a rename within one file system.

    Raises:
        TumorlensError: `path` is a folder.
    """
    final = Path(path)
    if final.is_dir():
        raise TumorlensError(file=final, found="is a folder", expected="the name of a file to write")
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        temporary.replace(final)
    except OSError as error:
        if str(error.filename) == str(temporary):  # a name that the user knows
            error.filename = str(final)
        raise
    finally:
        with suppress(OSError):  # the first error is the one to report
            temporary.unlink(missing_ok=True)
