"""Downloads are verified and resumed, and never overwrite files; every failure advises a download by hand."""

from __future__ import annotations

import hashlib
import io
import json
import re
import socket
import stat
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens.datasets.download import figshare_download as download_figshare
from tumorlens.datasets.download.figshare_download import get_figshare
from tumorlens.datasets.download.http_download import fetch, move_into
from tumorlens.datasets.download.kaggle_download import get_kaggle
from tumorlens.datasets.download.resumed_download import CHUNK
from tumorlens.errors import DownloadError

DATA = bytes(range(256)) * 4000  # about 1 MB: several chunks
NAVONEEL = "navoneel/brain-mri-images-for-brain-tumor-detection"


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


class Site:
    """A web site with its files, its failures, and a record of its requests."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges = True  # whether it honors Range
        self.lengths = True  # whether it says how many bytes follow
        self.breaks: list[int] = []  # the next responses stop after so many bytes
        self.statuses: list[int] = []  # the next responses have only these status codes
        self.redirects: dict[str, str] = {}
        self.requests: list[tuple[str, str | None]] = []  # path and Range header
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.respond(self)

            def log_message(self, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def respond(self, to: BaseHTTPRequestHandler) -> None:
        wanted = to.headers["Range"]
        self.requests.append((to.path, wanted))
        if to.path in self.redirects:
            to.send_response(302)
            to.send_header("Location", self.redirects[to.path])
            to.end_headers()
            return
        if self.statuses or to.path not in self.files:
            to.send_response(self.statuses.pop(0) if self.statuses else 404)
            to.end_headers()
            return
        data, start = self.files[to.path], 0
        if wanted and self.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                to.send_response(416)
                to.end_headers()
                return
            to.send_response(206)
            to.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            to.send_response(200)
        if self.lengths:
            to.send_header("Content-Length", str(len(data) - start))
        to.end_headers()
        to.wfile.write(data[start:][: self.breaks.pop(0)] if self.breaks else data[start:])


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "*")
    site = Site()
    site.files["/scan.zip"] = DATA
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new" / "scan.zip"


def test_a_whole_transfer_arrives_with_progress_and_without_leftovers(site: Site, target: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    fetch(site.url + "/scan.zip", target, size=len(DATA), md5=md5(DATA), progress=lambda *s: seen.append(s))
    assert target.read_bytes() == DATA
    assert [path.name for path in target.parent.iterdir()] == ["scan.zip"]
    assert len(seen) > 1
    assert seen[-1] == ("scan.zip", len(DATA), len(DATA))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_a_verified_file_is_not_downloaded_again_but_a_wrong_one_is(site: Site, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(DATA)
    fetch(site.url + "/scan.zip", target, size=len(DATA), md5=md5(DATA))
    assert site.requests == []
    target.write_bytes(b"cut off")
    fetch(site.url + "/scan.zip", target, md5=md5(DATA))
    assert target.read_bytes() == DATA


def test_an_interrupted_transfer_is_resumed(site: Site, target: Path) -> None:
    site.breaks = [300_000, 200_000]
    pauses: list[float] = []
    fetch(site.url + "/scan.zip", target, size=len(DATA), md5=md5(DATA), sleep=pauses.append)
    assert target.read_bytes() == DATA
    assert [wanted for _, wanted in site.requests] == [None, f"bytes={4 * CHUNK}-", f"bytes={7 * CHUNK}-"]
    assert pauses == [1.0, 2.0]


def test_a_later_call_resumes_an_earlier_one(site: Site, target: Path) -> None:
    site.breaks = [300_000]
    with assert_refused(DownloadError, found=rf"closed after {4 * CHUNK} of 1024000 bytes \(the last of 1 attempts\)"):
        fetch(site.url + "/scan.zip", target, md5=md5(DATA), attempts=1)
    assert not target.exists()
    fetch(site.url + "/scan.zip", target, md5=md5(DATA))
    assert target.read_bytes() == DATA
    assert site.requests[-1] == ("/scan.zip", f"bytes={4 * CHUNK}-")


def test_a_complete_temporary_file_needs_no_network(site: Site, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("scan.zip.part").write_bytes(DATA)
    fetch(site.url + "/scan.zip", target, size=len(DATA), md5=md5(DATA))
    assert target.read_bytes() == DATA
    assert site.requests == []


def test_a_server_without_ranges_is_read_from_the_start(site: Site, target: Path) -> None:
    site.ranges, site.breaks = False, [300_000]
    fetch(site.url + "/scan.zip", target, md5=md5(DATA), sleep=lambda _: None)
    assert target.read_bytes() == DATA
    assert [wanted for _, wanted in site.requests] == [None, f"bytes={4 * CHUNK}-"]


def test_a_transfer_without_checksum_is_not_resumed(site: Site, target: Path) -> None:
    site.breaks = [300_000]
    fetch(site.url + "/scan.zip", target, sleep=lambda _: None)
    assert target.read_bytes() == DATA
    assert [wanted for _, wanted in site.requests] == [None, None]


@pytest.mark.parametrize("remnant", [b"x" * 1000, b"x" * len(DATA), b"x" * (len(DATA) + 5)])
def test_a_temporary_file_of_another_download_is_discarded(site: Site, target: Path, remnant: bytes) -> None:
    target.parent.mkdir()
    target.with_name("scan.zip.part").write_bytes(remnant)
    fetch(site.url + "/scan.zip", target, md5=md5(DATA), sleep=lambda _: None)
    assert target.read_bytes() == DATA
    assert site.requests[-1] == ("/scan.zip", None)


def test_a_wrong_checksum_is_retried_once_and_leaves_no_file(site: Site, target: Path) -> None:
    with assert_refused(DownloadError) as error:
        fetch(site.url + "/scan.zip", target, md5="0" * 32)
    assert error.value.file == site.url + "/scan.zip"
    assert (error.value.found, error.value.expected) == (f"md5 {md5(DATA)}", f"md5 {'0' * 32}")
    assert error.value.advice == f"fetch it by hand and save it as {target}"
    assert len(site.requests) == 2
    assert list(target.parent.iterdir()) == []


def test_a_wrong_size_is_refused_before_the_bytes_are_read(site: Site, target: Path) -> None:
    site.breaks = [0, 0]
    with assert_refused(DownloadError, found="^1024000 bytes$", expected="^999 bytes$"):
        fetch(site.url + "/scan.zip", target, size=999, md5=md5(DATA))
    assert not target.exists()


def test_a_transfer_of_unknown_length_stops_at_the_expected_size(site: Site, target: Path) -> None:
    site.lengths = False
    with assert_refused(DownloadError, found=f"^more than {CHUNK} bytes$", expected=f"^{CHUNK} bytes$"):
        fetch(site.url + "/scan.zip", target, size=CHUNK, md5=md5(DATA))
    assert list(target.parent.iterdir()) == []
    fetch(site.url + "/scan.zip", target, size=len(DATA), md5=md5(DATA))
    assert target.read_bytes() == DATA


def test_temporary_failures_are_retried_and_others_are_not(site: Site, target: Path) -> None:
    site.statuses = [503, 429]
    assert fetch(site.url + "/scan.zip", target, sleep=lambda _: None) == target
    site.requests.clear()
    with assert_refused(DownloadError, found="HTTP 404"):
        fetch(site.url + "/gone.zip", target.with_name("gone.zip"))
    site.statuses = [202]
    with assert_refused(DownloadError, found="HTTP 202"):
        fetch(site.url + "/scan.zip", target.with_name("later.zip"))
    assert len(site.requests) == 2
    assert [path.name for path in target.parent.iterdir()] == ["scan.zip"]


def test_a_refused_connection_is_an_error_of_one_line(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    pauses: list[float] = []
    with assert_refused(DownloadError, found="refused.*4 attempts", advice="save it as"):
        fetch(f"http://127.0.0.1:{port}/scan.zip", target, sleep=pauses.append)
    assert pauses == [1.0, 2.0, 4.0]


def test_a_silent_server_times_out(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/scan.zip"
        with assert_refused(DownloadError, found="timed out"):
            fetch(url, target, attempts=2, timeout=0.1, sleep=lambda _: None)


@pytest.mark.parametrize(
    "url", ["http://figshare.com/a", "ftp://127.0.0.1/a", "file:///a", "http://127.0.0.1.example.org/a"]
)
def test_only_https_is_accepted(url: str, target: Path) -> None:
    with assert_refused(DownloadError, expected="^https$"):
        fetch(url, target)
    assert not target.parent.exists()


def test_redirects_are_followed_but_not_to_plain_http(site: Site, target: Path) -> None:
    site.redirects = {"/a": site.url + "/scan.zip", "/b": "http://example.org/scan.zip"}
    fetch(site.url + "/a", target, md5=md5(DATA))
    with assert_refused(DownloadError, found=r"example\.org.* is not https"):
        fetch(site.url + "/b", target.with_name("b.zip"))


def test_a_transfer_writes_nothing_to_the_terminal(site: Site, target: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fetch(site.url + "/scan.zip", target)
    with assert_refused(DownloadError):
        fetch(site.url + "/scan.zip", target.with_name("wrong.zip"), md5="0" * 32)
    assert capfd.readouterr() == ("", "")


def test_an_unwritable_target_is_a_download_error(site: Site, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("a file where the folder should be")
    with assert_refused(DownloadError, advice="by hand"):
        fetch(site.url + "/scan.zip", tmp_path / "new" / "scan.zip")


def test_moving_files_never_overwrites_and_refuses_before_the_first_move(tmp_path: Path) -> None:
    staging, folder = tmp_path / "staging", tmp_path / "folder"
    for root, files in ((staging, {"a/1": "one", "2": "two"}), (folder, {"a/1": "one", "mine": "mine"})):
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    (folder / "2").write_text("mine too")
    with assert_refused(DownloadError, found="differs from the published file"):
        move_into(staging, folder)
    assert (folder / "2").read_text() == "mine too"
    (folder / "2").unlink()
    move_into(staging, folder)
    assert {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()} == {
        "a/1": "one",
        "2": "two",
        "mine": "mine",
    }


# Figshare


def zipped(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def publish(site: Site, files: dict[str, bytes]) -> str:
    """Put files on the site, list them as Figshare does, and return the address of the list."""
    listing = []
    for name, data in files.items():
        site.files["/files/" + name] = data
        listing.append(
            {
                "name": name,
                "size": len(data),
                "download_url": f"{site.url}/files/{name}",
                "computed_md5": md5(data),
                "supplied_md5": "",
            }
        )
    site.files["/article"] = json.dumps({"files": listing}).encode()
    return site.url + "/article"


RELEASE = {
    "brainTumorDataPublic_1-2.zip": zipped({"1.mat": b"one", "2.mat": b"two", "__MACOSX/._1.mat": b"x"}),
    "brainTumorDataPublic_3-4.zip": zipped({"data/3.mat": b"three", "data/4.mat": b"four"}),
    "cvind.mat": b"folds",
    "README.txt": b"read me",
    "../../evil.zip": b"",
}
UNPACKED = {"1.mat", "2.mat", "3.mat", "4.mat", "cvind.mat", "README.txt"}


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_figshare_is_downloaded_and_unpacked_once(site: Site, tmp_path: Path) -> None:
    api = publish(site, RELEASE)
    seen: set[str] = set()
    get_figshare(tmp_path / "f", api=api, expected=4, progress=lambda name, *_: seen.add(name))
    assert names(tmp_path / "f") == UNPACKED
    assert (tmp_path / "f" / "3.mat").read_bytes() == b"three"
    assert "brainTumorDataPublic_1-2.zip" in seen
    site.requests.clear()
    get_figshare(tmp_path / "f", api=api, expected=4)
    assert site.requests == []


def test_figshare_resumes_after_a_failure_without_repeated_downloads(site: Site, tmp_path: Path) -> None:
    api = publish(site, RELEASE)
    folds = site.files.pop("/files/cvind.mat")
    with assert_refused(
        DownloadError, file=r"cvind\.mat$", found="HTTP 404 Not Found", advice="run this again"
    ) as error:
        get_figshare(tmp_path / "f", api=api, expected=4)
    assert str(error.value.advice).endswith(f"the unpacked .mat files into {tmp_path / 'f'}")
    assert "https://figshare.com/articles/dataset/brain_tumor_dataset/1512427" in str(error.value.advice)
    site.files["/files/cvind.mat"] = folds
    site.requests.clear()
    get_figshare(tmp_path / "f", api=api, expected=4)
    assert [path for path, _ in site.requests] == ["/files/cvind.mat", "/files/README.txt"]
    assert names(tmp_path / "f") == UNPACKED


def test_figshare_completes_a_folder_and_keeps_other_files(site: Site, tmp_path: Path) -> None:
    (tmp_path / "1.mat").write_bytes(b"one")
    (tmp_path / "thesis.doc").write_text("mine")
    get_figshare(tmp_path, api=publish(site, RELEASE), expected=4)
    assert names(tmp_path) == UNPACKED | {"thesis.doc"}


def test_figshare_never_overwrites_another_file(site: Site, tmp_path: Path) -> None:
    (tmp_path / "2.mat").write_bytes(b"mine")
    with assert_refused(DownloadError, file=r"2\.mat$", found="already exists and differs"):
        get_figshare(tmp_path, api=publish(site, RELEASE), expected=4)
    assert (tmp_path / "2.mat").read_bytes() == b"mine"
    assert not (tmp_path / "1.mat").exists()


def test_figshare_with_missing_slices_is_an_error(site: Site, tmp_path: Path) -> None:
    with assert_refused(DownloadError, found=r"^4 slices, cvind\.mat there", expected="3064 slices"):
        get_figshare(tmp_path, api=publish(site, RELEASE))


@pytest.mark.parametrize("response", [b"<html>log in to the hotel's network</html>", b"[]", b'{"files": [{}, 1]}'])
def test_figshare_discards_an_invalid_list_of_files(site: Site, tmp_path: Path, response: bytes) -> None:
    site.files["/article"] = response
    with assert_refused(DownloadError, expected="JSON"):
        get_figshare(tmp_path, api=site.url + "/article", expected=4)
    get_figshare(tmp_path, api=publish(site, RELEASE), expected=4)
    assert names(tmp_path) == UNPACKED


def link() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        entry = zipfile.ZipInfo("1.mat")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/hosts")
    return file.getvalue()


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (zipped({"../1.mat": b"slip"}), "leads out of the folder"),
        (zipped({"/1.mat": b"slip"}), "leads out of the folder"),
        (zipped({"1.mat": b"0" * 5000, "2.mat": b"0" * 5000}), "more than 8,000 bytes"),
        (zipped({"1.mat": b"a", "again/1.mat": b"b"}), "cannot be unpacked"),
        (link(), "not a regular file"),
        (b"not a zip", "cannot be unpacked"),
        (zipped({"1.mat": b"0" * 5000}).replace(b"\xed", b"\xff", 1), "cannot be unpacked"),
    ],
)
def test_figshare_refuses_a_bad_archive_and_leaves_no_slice(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archive: bytes, message: str
) -> None:
    monkeypatch.setattr(download_figshare, "MAX_UNPACKED", 8000)
    folder = tmp_path / "deep" / "folder"
    with assert_refused(DownloadError, found=message):
        get_figshare(folder, api=publish(site, {"a.zip": archive, "cvind.mat": b"folds"}), expected=1)
    assert not any(re.fullmatch(r"\d\.mat", path.name) for path in tmp_path.rglob("*"))


# Kaggle


def test_kaggle_files_are_copied_and_the_cache_is_kept(tmp_path: Path) -> None:
    cache, folder = tmp_path / "cache", tmp_path / "navoneel"
    for name in ("yes/Y1.jpg", "no/1 no.jpeg"):
        (cache / name).parent.mkdir(parents=True)
        (cache / name).write_text(name)
    handles: list[str] = []

    def download(handle: str) -> str:
        handles.append(handle)
        return str(cache)

    before = names(cache)
    for _ in range(2):
        assert get_kaggle(NAVONEEL, folder, download=download) == folder
    assert handles == [NAVONEEL] * 2
    assert names(folder) == names(cache) == before
    (folder / "yes" / "Y1.jpg").write_text("mine")
    with assert_refused(DownloadError, file=r"Y1\.jpg$", found="already exists and differs"):
        get_kaggle(NAVONEEL, folder, download=download)
    assert names(folder) == before


def test_a_failure_of_kaggle_is_one_line_with_page_and_folder(tmp_path: Path) -> None:
    def download(handle: str) -> str:
        raise RuntimeError("403 Client Error.\n\nYou don't have permission")

    with assert_refused(DownloadError, found="403 Client Error") as error:
        get_kaggle(NAVONEEL + "/versions/1", tmp_path / "n", download=download)
    assert error.value.advice == (
        f"download the zip from https://www.kaggle.com/datasets/{NAVONEEL} by hand and unpack it into {tmp_path / 'n'}"
    )
    assert not (tmp_path / "n").exists()


def test_kaggle_without_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    with assert_refused(DownloadError, found="brought no files"):
        get_kaggle(NAVONEEL, tmp_path / "n", download=lambda _: str(tmp_path / "cache"))


def test_the_installed_kagglehub_is_compatible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call goes through the real package, to a closed port of this machine."""
    pytest.importorskip("kagglehub")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    with assert_refused(DownloadError, found=r"api\.kaggle\.com", advice=" by hand and unpack it into"):
        get_kaggle(NAVONEEL, tmp_path / "n")
