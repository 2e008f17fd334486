"""Kaggle -> folder: a public data set, downloaded by kagglehub."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tumorlens._extras import require
from tumorlens.datasets.download.http_download import move_into
from tumorlens.errors import DownloadError

LOGGER = logging.getLogger(__name__)


def get_kaggle(handle: str, folder: Path, *, download: Callable[[str], str] | None = None) -> Path:
    """Download a Kaggle data set into `folder`, with the layout that it has on Kaggle.

    kagglehub keeps its own copy in its cache (and on Kaggle's machines the data is mounted read-only),
    so the files are copied from its cache. Files that are already in `folder` are never overwritten.

    Args:
        handle: ``owner/name`` for the newest version, or ``owner/name/versions/N``.
        folder: created if needed.
        download: takes the handle and returns the folder with the files; of kagglehub if None.

    Returns:
        `folder`.

    Raises:
        MissingExtraError: kagglehub is not installed.
        DownloadError: kagglehub failed, or `folder` holds other files of the same names; names the page
            to fetch it from by hand.
    """
    if download is None:
        download = require("kagglehub", "train", "download data sets from Kaggle").dataset_download
    LOGGER.info("downloading %s from Kaggle", handle)
    try:
        source = Path(download(handle))
        if not any(path.is_file() for path in source.rglob("*")):
            raise FileNotFoundError(f"kagglehub brought no files to {source}")
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".tumorlens-download-") as staging:
            shutil.copytree(source, staging, dirs_exist_ok=True)
            move_into(Path(staging), folder)
    except DownloadError:  # from `move_into`: caused by this folder, not by Kaggle
        raise
    except Exception as error:  # kagglehub and requests have no common base class
        page = "https://www.kaggle.com/datasets/" + "/".join(handle.split("/")[:2])
        reason = " ".join(str(error).split()) or type(error).__name__  # their messages have several lines
        raise DownloadError(
            file=handle, found=reason, advice=f"download the zip from {page} by hand and unpack it into {folder}"
        ) from error
    return folder
