"""URL -> file: a verified, resumable download, and the move of finished files into a folder."""

from __future__ import annotations

import filecmp
import hashlib
import http.client
import logging
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
from tumorlens._progress import Progress, silent
from tumorlens.errors import DownloadError

LOGGER = logging.getLogger(__name__)

CHUNK = 1 << 18
FIRST_PAUSE = 1.0  # seconds; doubled after every failure
RETRIED_STATUSES = {408, 425, 429, 500, 502, 503, 504}  # HTTP status codes of temporary failures
TRANSPORT_ERRORS = (URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)


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
    """Download `url` to `target`, unless `target` exists with the expected size and checksum.

    The bytes go to ``<target>.part``, which gets its final name once size and checksum are verified. An interrupted
    transfer is resumed, in this call or in a later one, if there is a checksum to verify the whole file. Wrong bytes
    are deleted and downloaded once more.

    Args:
        url: https only, redirects included; plain http only for this machine (127.0.0.1, localhost).
        target: the file to write; a wrong one of that name is replaced.
        size: bytes expected.
        md5: checksum expected, 32 hexadecimal digits.
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
    transfer = _Transfer(url, target, size, md5.lower() if md5 else None, progress, timeout)
    try:
        _check_scheme(url)
        if target.is_file() and transfer.is_complete(target):
            LOGGER.info("%s: complete, not downloaded again", target)
            return target
        LOGGER.info("downloading %s", url)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            transfer.run(attempts, sleep)
        except _WrongBytesError as error:
            LOGGER.warning("%s: %s; downloading it once more", url, error)
            transfer.run(attempts, sleep)
        os.replace(transfer.part, target)
    except (_TransferError, OSError) as error:
        found, expected = (error.found, error.expected) if isinstance(error, _TransferError) else (str(error), None)
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


class _TransferError(Exception):
    """What was found instead of the file, and what was expected."""

    def __init__(self, found: str, expected: str | None = None) -> None:
        super().__init__(f"{found}; expected {expected}" if expected else found)
        self.found, self.expected = found, expected


class _WrongBytesError(_TransferError):
    """The transfer was complete, but size or checksum differ from the expected ones."""


class _NoTransferError(_TransferError):
    """No complete transfer, and another attempt would fail too."""


@dataclass(frozen=True)
class _Transfer:
    """The transfer of one file from `url` to `target` through the temporary file `part`."""

    url: str
    target: Path
    size: int | None
    md5: str | None
    progress: Progress
    timeout: float

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    def run(self, attempts: int, sleep: Callable[[float], None]) -> None:
        """Fill `part` and verify it; wrong bytes are deleted, correct or incomplete ones stay."""
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
            except TRANSPORT_ERRORS as error:
                reason = _reason(error)
                if isinstance(error, HTTPError):
                    error.close()
                    if error.code == 416:  # `part` is longer than the file: it belongs to another one
                        self.part.unlink(missing_ok=True)
                    elif error.code not in RETRIED_STATUSES:
                        raise _NoTransferError(reason) from error
                LOGGER.warning("%s: %s (attempt %d of %d)", self.url, reason, attempt + 1, attempts)
        raise _NoTransferError(f"{reason} (the last of {attempts} attempts)")

    def is_complete(self, path: Path) -> bool:
        """Whether a file has the expected size and checksum."""
        try:
            self._check(path)
        except _WrongBytesError:
            return False
        return True

    def _stream(self) -> None:
        """Append the missing bytes to `part` over one connection, or start again if the server cannot resume."""
        if self.md5 is None:  # no checksum to verify that both pieces belong together
            self.part.unlink(missing_ok=True)
        start = self.part.stat().st_size if self.part.exists() else 0
        if start and start == self.size:
            return
        headers = {"User-Agent": f"tumorlens/{__version__}"}
        if start:
            headers["Range"] = f"bytes={start}-"
        opener = build_opener(_SecureRedirects)
        with opener.open(Request(self.url, headers=headers), timeout=self.timeout) as response:
            if response.status == 206:
                if not (response.headers["Content-Range"] or "").startswith(f"bytes {start}-"):
                    raise _WrongBytesError(f"range {response.headers['Content-Range']}", f"bytes {start}-")
            elif response.status == 200:
                start = 0
            else:  # for example 202: "come back later", with an empty body
                raise _NoTransferError(f"HTTP {response.status} {response.reason}")
            length = response.headers["Content-Length"]
            total = start + int(length) if length and length.isdigit() else None
            if None not in (total, self.size) and total != self.size:
                raise _WrongBytesError(f"{total} bytes", f"{self.size} bytes")
            with self.part.open("ab" if start else "wb") as file:
                self._copy(response, file, start, total or self.size)

    def _copy(self, response: http.client.HTTPResponse, file: IO[bytes], done: int, total: int | None) -> None:
        while chunk := response.read1(CHUNK):  # bytes available now: an interruption loses no received bytes
            file.write(chunk)
            done += len(chunk)
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
        except _NoTransferError:
            raise HTTPError(req.full_url, code, f"redirect to {newurl}, which is not https", headers, fp) from None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str) -> None:
    address = urlsplit(url)
    local = address.scheme == "http" and address.hostname in ("127.0.0.1", "localhost")
    if address.scheme != "https" and not local:
        raise _NoTransferError(f"the scheme is '{address.scheme}'", "https")


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"HTTP {error.code} {error.reason}"
    cause = error.reason if isinstance(error, URLError) else error
    return re.sub(r"\s+", " ", str(cause)) or type(cause).__name__
