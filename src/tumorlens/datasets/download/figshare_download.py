"""Figshare -> folder: the original release of Cheng's set, 3,064 MATLAB files and five folds."""

from __future__ import annotations

import json
import re
import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from tumorlens.datasets.download.http_download import Progress, fetch, place
from tumorlens.errors import DownloadError

API = "https://api.figshare.com/v2/articles/1512427"
PAGE = "https://figshare.com/articles/dataset/brain_tumor_dataset/1512427"
SLICES = 3064
FOLDS = "cvind.mat"
LARGEST = 4 * 2**30  # bytes unpacked; 3,064 slices of 512 x 512 int16 with a mask are 2.4e9 uncompressed
WANTED = re.compile(r"[\w-]+\.zip|cvind\.mat|README\.txt")
SLICE = re.compile(r"\d+\.mat")
WORK = ".tumorlens-download"  # inside the folder: what a broken download is taken up from


def get_figshare(folder: Path, *, api: str = API, expected: int = SLICES, progress: Progress | None = None) -> Path:
    """Fetch and unpack the Figshare set (Cheng, CC BY 4.0, 10.6084/m9.figshare.1512427) into `folder`.

    Afterwards it holds ``1.mat`` to ``3064.mat`` and ``cvind.mat``. Sizes and checksums are those
    that Figshare publishes. A call that broke off is taken up where it stopped by calling again; a
    complete folder is left alone. Files that are already in `folder` are never overwritten.

    Args:
        folder: made if it is not there.
        api: the article in Figshare's API; its JSON lists the files.
        expected: how many slices there must be.
        progress: called with file name, bytes so far, and bytes expected.

    Returns:
        `folder`.

    Raises:
        DownloadError: says what went wrong, and what to fetch by hand from which page.
    """
    work = folder / WORK
    try:
        if not _complete(folder, expected):
            files = [_fetch(file, work, progress) for file in _listing(api, work)]
            work.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=work) as staging:
                _unpack(files, Path(staging))
                place(Path(staging), folder)
        if not _complete(folder, expected):
            found = f"{_slices(folder)} slices, {FOLDS} {'there' if (folder / FOLDS).is_file() else 'missing'}"
            raise DownloadError(f"{folder}: found {found}; expected {expected} slices and {FOLDS}")
        shutil.rmtree(work, ignore_errors=True)
    except (DownloadError, OSError) as error:
        raise DownloadError(
            f"figshare: {error}; run this again to go on where it stopped, or fetch the four zips and "
            f"{FOLDS} from {PAGE} and put {FOLDS} and the unpacked .mat files into {folder}"
        ) from error
    return folder


@dataclass(frozen=True)
class _File:
    """One entry of the article's list; `md5` is the publisher's."""

    name: str
    url: str
    size: int
    md5: str


def _complete(folder: Path, expected: int) -> bool:
    return (folder / FOLDS).is_file() and _slices(folder) == expected


def _slices(folder: Path) -> int:
    return sum(1 for path in folder.glob("*.mat") if SLICE.fullmatch(path.name))


def _listing(api: str, work: Path) -> list[_File]:
    """The article's zips, folds and readme; kept in `work`, so that a second call uses the same list."""
    path = fetch(api, work / "article.json", by_hand=False)
    try:
        article: dict[str, Any] = json.loads(path.read_bytes())
        files = [
            _File(f["name"], f["download_url"], int(f["size"]), f.get("computed_md5") or f["supplied_md5"])
            for f in article["files"]
            if WANTED.fullmatch(f["name"])
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        path.unlink()
        raise DownloadError(
            f"{api}: found no list of files ({type(error).__name__}), expected JSON with the name, size, "
            "download_url and computed_md5 of each"
        ) from error
    return files


def _fetch(file: _File, work: Path, progress: Progress | None) -> Path:
    return fetch(file.url, work / file.name, size=file.size, md5=file.md5, progress=progress, by_hand=False)


def _unpack(files: list[Path], staging: Path) -> None:
    """The slices of every zip, and copies of the other files, side by side in `staging`."""
    room = LARGEST
    for path in files:
        if path.suffix != ".zip":
            shutil.copyfile(path, staging / path.name)
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                members = _members(archive)
                room -= sum(member.file_size for member in members)
                if room < 0:
                    raise DownloadError(f"{path}: unpacks to more than {LARGEST} bytes; refused")
                for member in members:  # zipfile reads no more than file_size, and checks the CRC
                    with (
                        archive.open(member) as source,
                        (staging / PurePosixPath(member.filename).name).open("xb") as target,
                    ):
                        shutil.copyfileobj(source, target)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
            raise DownloadError(f"{path}: cannot be unpacked ({error})") from error


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The slices in an archive; refuses a name that leaves the folder, and anything but a regular file."""
    slices = []
    for member in archive.infolist():
        name = PurePosixPath(member.filename)
        if name.is_absolute() or ".." in name.parts:
            raise DownloadError(f"{archive.filename}: the entry {member.filename} leads out of the folder; refused")
        if SLICE.fullmatch(name.name) and not member.is_dir():
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
                raise DownloadError(f"{archive.filename}: the entry {member.filename} is no regular file; refused")
            slices.append(member)
    return slices
