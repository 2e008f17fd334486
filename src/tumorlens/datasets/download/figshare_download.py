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

from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens.datasets.download.http_download import fetch, move_into
from tumorlens.errors import DownloadError

API = "https://api.figshare.com/v2/articles/1512427"
PAGE = "https://figshare.com/articles/dataset/brain_tumor_dataset/1512427"
SLICES = 3064
FOLDS_FILE = "cvind.mat"
MAX_UNPACKED = 4 * 2**30  # bytes unpacked; 3,064 slices of 512 x 512 int16 with a mask are 2.4e9 uncompressed
WANTED = re.compile(r"[\w-]+\.zip|cvind\.mat|README\.txt")
SLICE = re.compile(r"\d+\.mat")
WORK = ".tumorlens-download"  # inside the folder: files of an unfinished download, from which it resumes


def get_figshare(folder: Path, *, api: str = API, expected: int = SLICES, progress: ProgressOption = None) -> Path:
    """Download and unpack the Figshare set (Cheng, CC BY 4.0, 10.6084/m9.figshare.1512427) into `folder`.

    Afterwards it holds ``1.mat`` to ``3064.mat`` and ``cvind.mat``. Figshare publishes the sizes and
    checksums. Calling again resumes an interrupted download; a complete folder is left unchanged.
    Files that are already in `folder` are never overwritten.

    Args:
        folder: created if needed.
        api: the article in Figshare's API; its JSON lists the files.
        expected: number of slices.
        progress: a callable, True for bars, None for silence; each file is a stage that counts bytes.

    Returns:
        `folder`.

    Raises:
        DownloadError: names the cause, and the files to fetch by hand with their page.
    """
    work = folder / WORK
    try:
        if not _complete(folder, expected):
            with progress_of(progress, in_bytes=True) as shown:
                files = [_fetch(file, work, shown) for file in _listing(api, work)]
            work.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=work) as staging:
                _unpack(files, Path(staging))
                move_into(Path(staging), folder)
        if not _complete(folder, expected):
            folds = "there" if (folder / FOLDS_FILE).is_file() else "missing"
            raise DownloadError(
                file=folder,
                found=f"{_slices(folder)} slices, {FOLDS_FILE} {folds}",
                expected=f"{expected} slices and {FOLDS_FILE}",
            )
        shutil.rmtree(work, ignore_errors=True)
    except (DownloadError, OSError) as error:
        if isinstance(error, DownloadError):
            file, found, wanted = error.file, error.found, error.expected
        else:
            file, found, wanted = str(error.filename or folder), error.strerror or str(error), None
        raise DownloadError(
            file=file,
            found=found,
            expected=wanted,
            advice=f"run this again to resume, or fetch the four zips and {FOLDS_FILE} from {PAGE} and put "
            f"{FOLDS_FILE} and the unpacked .mat files into {folder}",
        ) from error
    return folder


@dataclass(frozen=True)
class _File:
    """One entry of the article's list of files; `md5` is published with it."""

    name: str
    url: str
    size: int
    md5: str


def _complete(folder: Path, expected: int) -> bool:
    return (folder / FOLDS_FILE).is_file() and _slices(folder) == expected


def _slices(folder: Path) -> int:
    return sum(1 for path in folder.glob("*.mat") if SLICE.fullmatch(path.name))


def _listing(api: str, work: Path) -> list[_File]:
    """The article's zips, folds and readme; the list is kept in `work`, so that a second call uses the same."""
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
            file=api,
            found=f"no list of files ({type(error).__name__})",
            expected="JSON with the name, size, download_url and computed_md5 of each",
        ) from error
    return files


def _fetch(file: _File, work: Path, progress: Progress) -> Path:
    return fetch(file.url, work / file.name, size=file.size, md5=file.md5, progress=progress, by_hand=False)


def _unpack(files: list[Path], staging: Path) -> None:
    """Unpack the slices of every zip into `staging`, and copy the other files."""
    room = MAX_UNPACKED
    for path in files:
        if path.suffix != ".zip":
            shutil.copyfile(path, staging / path.name)
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                members = _members(archive)
                room -= sum(member.file_size for member in members)
                if room < 0:
                    raise DownloadError(
                        file=path,
                        found=f"unpacks to more than {MAX_UNPACKED:,} bytes",
                        expected="the published archive",
                    )
                for member in members:  # zipfile reads no more than file_size, and checks the CRC
                    with (
                        archive.open(member) as source,
                        (staging / PurePosixPath(member.filename).name).open("xb") as target,
                    ):
                        shutil.copyfileobj(source, target)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
            raise DownloadError(file=path, found=f"cannot be unpacked ({error})") from error


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The slices in an archive; refuses names that leave the folder, and entries that are not regular files."""
    slices = []
    for member in archive.infolist():
        name = PurePosixPath(member.filename)
        if name.is_absolute() or ".." in name.parts:
            raise DownloadError(
                file=archive.filename,
                found=f"the entry {member.filename} leads out of the folder",
                expected="entries inside of it",
            )
        if SLICE.fullmatch(name.name) and not member.is_dir():
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
                raise DownloadError(
                    file=archive.filename,
                    found=f"the entry {member.filename} is not a regular file",
                    expected="regular files only",
                )
            slices.append(member)
    return slices
