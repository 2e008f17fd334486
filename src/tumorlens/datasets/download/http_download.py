"""Network -> files: one checked, resumable transfer, and the move of finished files into a folder."""

from __future__ import annotations

import filecmp
import hashlib
import http.client
import os
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from tumorlens import __version__
from tumorlens.errors import DownloadError

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes it has so far, and the bytes it will have (None: not known)."""

CHUNK = 1 << 18
FIRST_PAUSE = 1.0  # seconds; doubled after every failure
PASSING_TROUBLE = {408, 425, 429, 500, 502, 503, 504}  # HTTP answers that are worth asking again
BROKEN_TRANSPORT = (URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)


def fetch(
    url: str,
    target: Path,
    *,
    size: int | None = None,
    md5: str | None = None,
    progress: Progress | None = None,
    attempts: int = 4,
    timeout: float = 30.0,
    by_hand: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Fetch `url` as `target`, unless `target` is already there and right.

    The bytes go to ``<target>.part``, which gets its final name only once size and checksum are
    right. A broken transfer is taken up where it stopped, in this call or in a later one, provided
    that there is a checksum to prove the join. Wrong bytes are thrown away and fetched once more.

    Args:
        url: https only, redirects included; plain http is for this machine (127.0.0.1, localhost).
        target: the file to write; a wrong one of that name is replaced.
        size: bytes expected.
        md5: checksum expected, 32 hexadecimal digits.
        progress: called after every chunk.
        attempts: how many connections a transfer may take.
        timeout: seconds a server may be silent.
        by_hand: end the error with where to save the file; False where the caller has better advice.
        sleep: takes the pauses between attempts, in seconds.

    Returns:
        `target`.

    Raises:
        DownloadError: no transfer, wrong bytes, or no room to write; `target` is then as it was.
    """
    transfer = _Transfer(url, target, size, md5.lower() if md5 else None, progress, timeout)
    try:
        _check_scheme(url)
        if target.is_file() and transfer.is_right(target):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            transfer.run(attempts, sleep)
        except _WrongBytesError:
            transfer.run(attempts, sleep)
        os.replace(transfer.part, target)
    except (_WrongBytesError, _NoTransferError, OSError) as error:
        advice = f"; fetch it by hand and save it as {target}" if by_hand else ""
        raise DownloadError(f"{url}: {error}{advice}") from error
    return target


def place(staging: Path, folder: Path) -> None:
    """Move every file under `staging` to the same place under `folder`, and harm nothing there.

    Files that are already there with the same content stay as they are, and so do files of other names.

    Raises:
        DownloadError: a file of the same name has other content. Nothing was moved then.
    """
    new = []
    for source in sorted(path for path in staging.rglob("*") if path.is_file()):
        target = folder / source.relative_to(staging)
        if not target.exists():
            new.append((source, target))
        elif not target.is_file() or not filecmp.cmp(source, target, shallow=False):
            raise DownloadError(
                f"{target}: is already there and differs from the published file; "
                "move it away or choose an empty folder"
            )
    for source, target in new:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)


class _WrongBytesError(Exception):
    """The transfer was complete, but these are not the bytes that were promised."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"found {found}, expected {expected}")


class _NoTransferError(Exception):
    """No complete transfer, and another attempt would not help."""


@dataclass(frozen=True)
class _Transfer:
    """One file on its way from `url` to `target`, by way of `part`."""

    url: str
    target: Path
    size: int | None
    md5: str | None
    progress: Progress | None
    timeout: float

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    def run(self, attempts: int, sleep: Callable[[float], None]) -> None:
        """Fill `part` and check it; wrong bytes are removed, right or broken ones stay."""
        for attempt in range(attempts):
            if attempt:
                sleep(FIRST_PAUSE * 2 ** (attempt - 1))
            try:
                self._stream()
                self._check(self.part)
                return
            except _WrongBytesError:
                self.part.unlink(missing_ok=True)
                raise
            except BROKEN_TRANSPORT as error:
                trouble = _in_words(error)
                if isinstance(error, HTTPError):
                    error.close()
                    if error.code == 416:  # `part` reaches beyond the file's end: it is of another file
                        self.part.unlink(missing_ok=True)
                    elif error.code not in PASSING_TROUBLE:
                        raise _NoTransferError(trouble) from error
        raise _NoTransferError(f"{trouble} (the last of {attempts} attempts)")

    def is_right(self, path: Path) -> bool:
        """Whether a file has the promised size and checksum."""
        try:
            self._check(path)
        except _WrongBytesError:
            return False
        return True

    def _stream(self) -> None:
        """One connection: append to `part` what is missing, or begin again if the server cannot."""
        if self.md5 is None:  # nothing could prove that the two ends belong together
            self.part.unlink(missing_ok=True)
        start = self.part.stat().st_size if self.part.exists() else 0
        if start and start == self.size:
            return
        headers = {"User-Agent": f"tumorlens/{__version__}"}
        if start:
            headers["Range"] = f"bytes={start}-"
        opener = build_opener(_SecureRedirects)
        with opener.open(Request(self.url, headers=headers), timeout=self.timeout) as answer:
            if answer.status == 206:
                if not (answer.headers["Content-Range"] or "").startswith(f"bytes {start}-"):
                    raise _WrongBytesError(f"range {answer.headers['Content-Range']}", f"bytes {start}-")
            elif answer.status == 200:
                start = 0
            else:  # for example 202: "come back later", with an empty body
                raise _NoTransferError(f"HTTP {answer.status} {answer.reason}")
            length = answer.headers["Content-Length"]
            total = start + int(length) if length and length.isdigit() else None
            if None not in (total, self.size) and total != self.size:
                raise _WrongBytesError(f"{total} bytes", f"{self.size} bytes")
            with self.part.open("ab" if start else "wb") as file:
                self._copy(answer, file, start, total or self.size)

    def _copy(self, answer: http.client.HTTPResponse, file: IO[bytes], done: int, total: int | None) -> None:
        while chunk := answer.read1(CHUNK):  # what is there now: a break loses nothing that had arrived
            file.write(chunk)
            done += len(chunk)
            if self.progress:
                self.progress(self.target.name, done, total)
            if total is not None and done > total:
                raise _WrongBytesError(f"more than {total} bytes", f"{total} bytes")
        if total is not None and done < total:
            raise ConnectionError(f"the connection closed after {done} of {total} bytes")

    def _check(self, path: Path) -> None:
        size = path.stat().st_size
        if self.size not in (None, size):
            raise _WrongBytesError(f"{size} bytes", f"{self.size} bytes")
        if self.md5:
            with path.open("rb") as file:
                md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            if md5 != self.md5:
                raise _WrongBytesError(f"md5 {md5}", f"md5 {self.md5}")


class _SecureRedirects(HTTPRedirectHandler):
    """Follows redirects (Figshare sends one to its store), but never to plain http."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage, newurl: str
    ) -> Request | None:
        try:
            _check_scheme(newurl)
        except _NoTransferError as error:
            raise HTTPError(req.full_url, code, f"redirect to {newurl}, {error}", headers, fp) from None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str) -> None:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    if parts.scheme != "https" and not local:
        raise _NoTransferError(f"found the scheme '{parts.scheme}', expected https")


def _in_words(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"HTTP {error.code} {error.reason}"
    cause = error.reason if isinstance(error, URLError) else error
    return re.sub(r"\s+", " ", str(cause)) or type(cause).__name__
