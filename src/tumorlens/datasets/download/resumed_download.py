"""pooch's download over HTTP, resumed where it was interrupted."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import pooch
import requests

from tumorlens import __version__
from tumorlens._progress import Progress

LOGGER = logging.getLogger(__name__)

CHUNK = 1 << 16  # bytes; an interruption loses less than this
FIRST_PAUSE = 1.0  # seconds; doubled after every failure
RETRIED_STATUSES = {408, 425, 429, 500, 502, 503, 504}  # HTTP status codes of temporary failures
_HEADERS = {"User-Agent": f"tumorlens/{__version__}", "Accept-Encoding": "identity"}


class TransferError(Exception):
    """What was found instead of the file, and what was expected; another attempt would fail too."""

    def __init__(self, found: str, expected: str | None = None) -> None:
        super().__init__(f"{found}; expected {expected}" if expected else found)
        self.found, self.expected = found, expected


class WrongBytesError(TransferError):
    """The transfer was complete, but size or checksum differ from the expected ones."""


def retrieve(url: str, transfer: ResumedDownload, attempts: int, sleep: Callable[[float], None]) -> None:
    """Download by pooch, with pauses between the attempts; incomplete bytes stay for the next one, wrong ones not."""
    pooch.get_logger().setLevel(logging.ERROR)  # its lines would be written between the progress bars
    check_scheme(url)
    for attempt in range(attempts):
        if attempt:
            sleep(FIRST_PAUSE * 2 ** (attempt - 1))
        try:
            target, known = transfer.target, f"md5:{transfer.md5}" if transfer.md5 else None
            pooch.retrieve(url, known, target.name, target.parent, downloader=transfer)
            return
        except requests.RequestException as error:
            reason, status = _reason(error, transfer), getattr(error.response, "status_code", None)
            if status == 416:  # the part is longer than the file: it belongs to another one
                transfer.part.unlink(missing_ok=True)
            elif status is not None and status not in RETRIED_STATUSES:
                raise TransferError(reason) from error
            LOGGER.warning("%s: %s (attempt %d of %d)", url, reason, attempt + 1, attempts)
        except ValueError as error:  # of pooch: the checksum
            got = re.search(r"got (\w+)", str(error))
            raise WrongBytesError(f"md5 {got[1]}" if got else str(error), f"md5 {transfer.md5}") from error
    raise TransferError(f"{reason} (the last of {attempts} attempts)")


def check_scheme(url: str, place: str = "") -> None:
    """Refuse a scheme that others can read or change on the way.

    Raises:
        TransferError: neither https, nor http on this machine.
    """
    address = urlsplit(url)
    local = address.scheme == "http" and address.hostname in ("127.0.0.1", "localhost")
    if address.scheme != "https" and not local:
        raise TransferError(f"{place}the scheme of {url} is '{address.scheme}', which is not https", "https")


class ResumedDownload(pooch.HTTPDownloader):  # type: ignore[misc]
    """pooch's download over HTTP, resumed from `part`, bounded by `size`, and only over https."""

    def __init__(self, target: Path, size: int | None, md5: str | None, progress: Progress, timeout: float) -> None:
        super().__init__(self, CHUNK, timeout=timeout, hooks={"response": self.check})
        self.target, self.size, self.md5, self.report = target, size, md5, progress
        self.part = target.with_name(target.name + ".part")
        self.start, self.expected = 0, size  # bytes in `part` before this response, and after it
        self.file: IO[bytes]

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        """Complete `part` and hand it to pooch, which verifies it."""
        if self.md5 is None:  # no checksum to verify that both pieces belong together
            self.part.unlink(missing_ok=True)
        try:
            with self.part.open("ab") as self.file:
                self.start = self.file.tell()
                if not self.start or self.start != self.size:
                    rest = {"Range": f"bytes={self.start}-"} if self.start else {}
                    self.kwargs["headers"] = _HEADERS | rest
                    super().__call__(url, self.file, pooch)
        except (TransferError, OSError) as error:
            if isinstance(error, WrongBytesError) or (self.part.exists() and not self.part.stat().st_size):
                self.part.unlink()
            raise
        os.replace(self.part, output_file)

    def check(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Look at every response before its bytes are read."""
        status = response.status_code
        if response.is_redirect:
            check_scheme(urljoin(response.url, response.headers["Location"]), f"HTTP {status}: redirect to ")
        elif response.ok:
            if status not in (200, 206):  # for example 202: "come back later", with an empty body
                raise TransferError(f"HTTP {status} {response.reason}")
            served = response.headers.get("Content-Range", "")
            if status == 206 and not served.startswith(f"bytes {self.start}-"):
                raise WrongBytesError(f"range {served}", f"bytes {self.start}-")
            if status == 200:
                self.start = self.file.seek(0)
                self.file.truncate()
            length = response.headers.get("Content-Length", "")
            self.expected = self.start + int(length) if length.isdigit() else self.size
            if self.size not in (None, self.expected):
                raise WrongBytesError(f"{self.expected} bytes", f"{self.size} bytes")

    def update(self, _: int) -> None:
        """Called by pooch after every chunk, and with the total at the end."""
        done = self.file.tell()
        if self.expected is not None and done > self.expected:
            raise WrongBytesError(f"more than {self.expected} bytes", f"{self.expected} bytes")
        self.report(self.target.name, done, self.expected)

    def reset(self) -> None:
        """Called by pooch at the end, for its own progress bars."""

    close = reset


def _reason(error: requests.RequestException, transfer: ResumedDownload) -> str:
    if error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the connection closed after {transfer.part.stat().st_size} of {transfer.expected} bytes"
    cause = error.args[0] if error.args else error
    return re.sub(r"\s+", " ", str(getattr(cause, "reason", cause))) or type(error).__name__
