"""URL -> file: a verified, resumable download by pooch, and the move of finished files into a folder."""

from __future__ import annotations

import filecmp
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from tumorlens._progress import Progress, silent
from tumorlens.errors import DownloadError

LOGGER = logging.getLogger(__name__)


def fetch(
    url: str,
    target: Path,
    *,
    size: int | None = None,
    md5: str | None = None,
    progress: Progress = silent,
    attempts: int = 4,
    timeout: float = 30.0,
    by_hand: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Download `url` to `target`, unless `target` exists with the expected checksum.

    pooch verifies the checksum before the file gets its name. The bytes go to ``<target>.part``: an interrupted
    transfer is resumed, in this call or in a later one, if there is a checksum to verify the whole file. Wrong bytes
    are deleted and downloaded once more.

    Args:
        url: https only, redirects included; plain http only for this machine (127.0.0.1, localhost).
        target: the file to write; a wrong one of that name is replaced.
        size: bytes expected of the transfer.
        md5: checksum expected, 32 hexadecimal digits; without it a `target` that exists is taken as it is.
        progress: called after every chunk with the name of `target`, the bytes received and the bytes expected.
        attempts: maximum number of connections.
        timeout: seconds without a byte from the server.
        by_hand: end the error with the path to save the file to; False where the caller has better advice.
        sleep: called with the pauses between attempts, in seconds.

    Returns:
        `target`.

    Raises:
        DownloadError: no transfer, wrong bytes, or no space left; `target` is then unchanged.
    """
    # Here, so that a data set is described without waiting for pooch and requests.
    from tumorlens.datasets.download.resumed_download import ResumedDownload, TransferError, WrongBytesError, retrieve

    transfer = ResumedDownload(target, size, md5, progress, timeout)
    try:
        try:
            retrieve(url, transfer, attempts, sleep)
        except WrongBytesError as error:
            LOGGER.warning("%s: %s; downloading it once more", url, error)
            retrieve(url, transfer, attempts, sleep)
    except (TransferError, OSError) as error:
        found, expected = (error.found, error.expected) if isinstance(error, TransferError) else (str(error), None)
        advice = f"fetch it by hand and save it as {target}" if by_hand else None
        raise DownloadError(file=url, found=found, expected=expected, advice=advice) from error
    return target


def move_into(staging: Path, folder: Path) -> None:
    """Move every file under `staging` to the same path under `folder`, without overwriting.

    Existing files with the same content stay unchanged, and so do files of other names.

    Raises:
        DownloadError: an existing file has other content; then nothing was moved.
    """
    new = []
    for source in sorted(path for path in staging.rglob("*") if path.is_file()):
        target = folder / source.relative_to(staging)
        if not target.exists():
            new.append((source, target))
        elif not target.is_file() or not filecmp.cmp(source, target, shallow=False):
            raise DownloadError(
                file=target,
                found="already exists and differs from the published file",
                advice="move it away or choose an empty folder",
            )
    for source, target in new:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)
