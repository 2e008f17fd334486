"""Kaggle -> folder: a public data set, fetched by kagglehub."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tumorlens._extras import require
from tumorlens.datasets.download.http_download import place
from tumorlens.errors import DownloadError


def get_kaggle(handle: str, folder: Path, *, download: Callable[[str], str] | None = None) -> Path:
    """Fetch a Kaggle data set into `folder`, laid out as it is on Kaggle.

    kagglehub keeps its own copy in its cache (and on Kaggle's machines the data is mounted read-only),
    so the files are copied from there. Files that are already in `folder` are never overwritten.

    Args:
        handle: ``owner/name`` for the newest version, or ``owner/name/versions/N``.
        folder: made if it is not there.
        download: takes the handle and returns the folder that holds the files; kagglehub's if None.

    Returns:
        `folder`.

    Raises:
        MissingExtraError: kagglehub is not installed.
        DownloadError: kagglehub failed, or `folder` holds other files of the same names; says what to
            fetch by hand from which page.
    """
    if download is None:
        download = require("kagglehub", "train", "fetch data sets from Kaggle").dataset_download
    try:
        source = Path(download(handle))
        if not any(path.is_file() for path in source.rglob("*")):
            raise FileNotFoundError(f"kagglehub brought no files to {source}")
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".tumorlens-download-") as staging:
            shutil.copytree(source, staging, dirs_exist_ok=True)
            place(Path(staging), folder)
    except DownloadError:  # from `place`: a matter of this folder, not of Kaggle
        raise
    except Exception as error:  # kagglehub and requests share no type of error
        page = "https://www.kaggle.com/datasets/" + "/".join(handle.split("/")[:2])
        reason = " ".join(str(error).split()) or type(error).__name__  # theirs have several lines
        raise DownloadError(
            f"{handle}: {reason}; download the zip from {page} by hand and unpack it into {folder}"
        ) from error
    return folder
