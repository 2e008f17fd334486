"""OHIF shows segmentation and report on the right slice, at the right place: seen in Chromium, with Orthanc behind.

It needs Orthanc with its DICOMweb plug-in and Chromium (Debian), playwright (PyPI), and OHIF: set TUMORLENS_OHIF to the
folder ``package/dist`` of the npm package ``@ohif/app``. docs/how-to/look-at-results-in-ohif.md uses the same files.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.fixtures.known_results import chosen, known_result, lesion
from tests.viewer.ohif_server import ohif_server
from tumorlens.datasets.phantom import phantom_study
from tumorlens.datasets.phantom.phantom_study import STUDY_SERIES
from tumorlens.studies.study_result import StudyResult

pytestmark = pytest.mark.slow  # a browser that renders without a graphics card, and a server

CONFIG = Path(__file__).with_name("orthanc.json")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
SLICES, SIZE = 12, 128
SEG, OUTLINES = 9001, 9003  # numbers of series
CYAN, ORANGE = (0, 229, 255), (255, 140, 0)  # of the first finding and the second, over gray
PATIENCE = 240_000  # milliseconds, on a busy machine
FLAGS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def dist() -> Path:
    """OHIF; the tests are skipped where a part is absent."""
    pytest.importorskip("highdicom")
    pytest.importorskip("playwright", reason="playwright (PyPI) is not installed")
    for program, package in (("Orthanc", "orthanc"), ("chromium", "chromium")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} (Debian package {package}) is not installed")
    if not PLUGIN.is_file():
        pytest.skip("Orthanc's DICOMweb plug-in (Debian package orthanc-dicomweb) is not installed")
    place = Path(os.environ.get("TUMORLENS_OHIF", "nowhere"))
    if not (place / "index.html").is_file():
        pytest.skip("OHIF is absent; set TUMORLENS_OHIF to package/dist of the npm package @ohif/app")
    return place


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """Of an axial series of a phantom, with an asymmetric finding on one side and a small one on the other."""
    path = phantom_study(tmp_path_factory.mktemp("study") / "s", slices=SLICES, size=SIZE, series=STUDY_SERIES[2:3])
    read, choice = chosen(path)
    return known_result(read, lesion(read.size), choice)


@pytest.fixture(scope="module")
def site(dist: Path, result: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of OHIF; Orthanc holds the series and its results."""
    folder = tmp_path_factory.mktemp("orthanc")
    port = free_port()
    config = json.loads(CONFIG.read_text()) | {"HttpPort": port}
    (folder / "orthanc.json").write_text(json.dumps(config))
    with (folder / "orthanc.log").open("w") as log:
        orthanc = subprocess.Popen(["Orthanc", "orthanc.json"], cwd=folder, stdout=log, stderr=log)
    server = ohif_server(dist, 0, port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        wait_for(port)
        written = result.write(folder / "results", ["seg", "sr"])
        files = [source.path for source in result.volume.sources]
        files += [path for paths in written.files.values() for path in paths]
        for _ in range(2):  # a second delivery replaces the first
            for path in files:
                status, _ = ask(port, "POST", "/instances", path.read_bytes())
                assert status == 200, path.name
        _, content = ask(port, "GET", "/instances")
        assert len(json.loads(content)) == len(files)
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        orthanc.terminate()
        orthanc.wait(60)


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body)
    response = connection.getresponse()
    return response.status, response.read()


def wait_for(port: int) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            if ask(port, "GET", "/system")[0] == 200:
                return
        except OSError:
            if time.monotonic() > end:
                raise
        time.sleep(0.5)


@dataclass
class Viewer:
    """OHIF in a browser.

    Attributes:
        page: of playwright.
        errors: that the page wrote to the console or raised.
        folder: for screenshots.
    """

    page: Any
    errors: list[str]
    folder: Path

    def show(self, series: int) -> None:
        """Open a series by its number."""
        self.page.locator(f'[data-series="{series}"]').first.dblclick(timeout=PATIENCE)
        self.page.wait_for_timeout(8_000)

    def shown(self) -> int:
        """The number of the image that is shown, from 1 in the order of the viewer."""
        found = re.search(rf"\((\d+)/{SLICES}\)", self.page.inner_text("body"))
        assert found, "no number of an image is shown"
        return int(found[1])

    def go_to(self, index: int) -> None:
        """Show a slice of the volume: OHIF lists this series from head to feet."""
        number = SLICES - index
        box = self.box
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 40)
        for _ in range(3 * SLICES):
            if (at := self.shown()) == number:
                break
            self.page.keyboard.press("ArrowDown" if at < number else "ArrowUp")
            self.page.wait_for_timeout(500)
        assert self.shown() == number
        self.page.wait_for_timeout(2_000)

    @property
    def box(self) -> dict[str, float]:
        """Where the image is: x, y, width and height."""
        found: dict[str, float] = self.page.locator("canvas.cornerstone-canvas").first.bounding_box()
        return found

    def colored(self, color: tuple[int, int, int], name: str) -> npt.NDArray[np.float64]:
        """(n, 2) columns and rows, in pixels of the image, of the points of a color; a screenshot is kept.

        The image is gray, and a segment lets it shine through: what counts is where red, green and blue differ.
        """
        self.page.screenshot(path=self.folder / f"{name}.png")
        pixels = np.asarray(Image.open(self.folder / f"{name}.png").convert("RGB")).astype(float)
        box = self.box
        scale = min(box["width"], box["height"]) / SIZE
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        red, green, blue = np.moveaxis(pixels, 2, 0)
        hue = np.minimum(green, blue) - red if color == CYAN else red - blue
        rows, columns = np.nonzero(hue > 60)
        points = (np.column_stack([columns, rows]) + 0.5 - middle) / scale + SIZE / 2
        inside = ((points > 4) & (points < SIZE - 4)).all(axis=1)  # not the frame of the viewport and its letters
        return np.asarray(points[inside])

    def scale(self) -> float:
        """Pixels of the screen for one of the image."""
        return min(self.box["width"], self.box["height"]) / SIZE


@pytest.fixture
def viewer(site: str, result: StudyResult, tmp_path: Path) -> Iterator[Viewer]:
    from playwright.sync_api import sync_playwright

    keep = os.environ.get("TUMORLENS_SCREENSHOTS")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.add_init_script("localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour']))")
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{site}/viewer?StudyInstanceUIDs={result.choice.study_instance_uid}", timeout=PATIENCE)
        page.locator(f'[data-series="{SEG}"]').first.wait_for(timeout=PATIENCE)
        page.locator("canvas.cornerstone-canvas").first.wait_for(timeout=PATIENCE)
        page.wait_for_timeout(8_000)
        yield Viewer(page, errors, Path(keep) if keep else tmp_path)
        browser.close()


def test_the_segmentation_is_on_its_slices_at_its_place_and_on_its_side(viewer: Viewer, result: StudyResult) -> None:
    viewer.show(SEG)
    for finding, color in zip(result.findings, (CYAN, ORANGE), strict=True):
        viewer.go_to(finding.largest_slice)
        points = viewer.colored(color, f"segment-{finding.number}")
        assert len(points) > 20
        inside = np.argwhere(result.labels[finding.largest_slice] == finding.number)[:, ::-1] + 0.5
        low, high = inside.min(axis=0) - 0.5, inside.max(axis=0) + 0.5
        assert np.abs([points.min(axis=0) - low, points.max(axis=0) - high]).max() * viewer.scale() < 4
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        assert np.abs(middle - (low + high) / 2).max() * viewer.scale() < 3
        assert finding.center is not None
        assert (finding.center[0] > 0) == (middle[0] > SIZE / 2)  # the patient's left is on the right of the screen
    empty = next(i for i in range(SLICES) if not result.labels[i].any())
    viewer.go_to(empty)
    assert len(viewer.colored(CYAN, "empty")) == len(viewer.colored(ORANGE, "empty")) == 0
    assert viewer.errors == []


def test_the_report_shows_outline_and_axes_with_their_numbers(viewer: Viewer, result: StudyResult) -> None:
    viewer.show(OUTLINES)
    finding = result.findings[0]
    assert viewer.shown() == SLICES - finding.largest_slice
    viewer.page.screenshot(path=viewer.folder / "report.png")
    texts = " ".join(one.text_content() or "" for one in viewer.page.query_selector_all("svg text"))
    assert finding.lesion.mm2 is not None
    for value in (finding.long_axis_mm, finding.short_axis_mm, finding.lesion.mm2):
        assert f"{value:.1f}" in texts
    assert viewer.errors == []
