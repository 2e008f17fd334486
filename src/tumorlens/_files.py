"""Files: one that appears whole under its name or not at all, and where those are that may be lost."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tumorlens.errors import TumorlensError


def cache_folder() -> Path:
    """Where everything is kept that can be made again: $TUMORLENS_CACHE, else the user's cache folder."""
    if named := os.environ.get("TUMORLENS_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tumorlens"


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """A temporary name to write to; it becomes `path` if the block ends well, and goes if it fails.

    The temporary file lies in the same folder, which is made where it is missing, so that the
    last step is a rename inside one file system.

    Raises:
        TumorlensError: `path` is a folder.
    """
    final = Path(path)
    if final.is_dir():
        raise TumorlensError(f"{final}: is a folder; expected the name of a file to write")
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.with_name(f".{final.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)
