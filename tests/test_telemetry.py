"""A process with a loaded model opens no socket, and writes nothing into the home folder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR", "OMP_NUM_THREADS")  # variables of a child
SECONDS = 45  # ONNX Runtime queues its events and sends them later
PROGRAM = """
import sys
import tumorlens
predictor = tumorlens.load("tiny")
predictor.predict(sys.argv[1])
print("loaded", flush=True)
sys.stdin.read()  # until it is killed, or the tests end
"""


@dataclass
class Watched:
    """A child process, and the sockets and files that it opened."""

    home: Path
    process: subprocess.Popen[str]
    sockets: set[str] = field(default_factory=set)

    def record_sockets(self) -> None:
        """Record the sockets that are open now."""
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                target = os.readlink(entry)
            except OSError:  # closed meanwhile
                continue
            if target.startswith("socket:"):
                self.sockets.add(target)

    @property
    def files(self) -> list[str]:
        """Every file in its home folder."""
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*") if path.is_file())


def start(home: Path, image: Path, **variables: str) -> Watched:
    """Start a child with a home folder of its own that loads a model and keeps it."""
    home.mkdir()
    # Only what a program needs is passed on: ONNX Runtime sends nothing where a variable names a CI service
    # (GITHUB_ACTIONS, JENKINS_URL and others), so the control would find no file there.
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"} | variables
    command = [sys.executable, "-c", PROGRAM, str(image)]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    return Watched(home, child)


class Watch(threading.Thread):
    """Records the sockets of two processes, one with default settings and one with telemetry, while other tests run."""

    def __init__(self, quiet: Watched, control: Watched) -> None:
        super().__init__(daemon=True)
        self.quiet, self.control = quiet, control

    def run(self) -> None:
        """Watch for `SECONDS`."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.quiet.record_sockets()
            self.control.record_sockets()
            time.sleep(0.05)


@pytest.fixture(scope="session")
def started(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """Both processes, which have loaded a model and predicted; they are watched from now on."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("sockets are counted in /proc, which this system lacks")
    image = next((phantoms / "images").iterdir())
    homes = tmp_path_factory.mktemp("homes")
    children = start(homes / "quiet", image), start(homes / "control", image, ORT_DISABLE_TELEMETRY="0")
    watch = Watch(*children)
    try:
        for child in children:
            assert child.process.stdout is not None
            assert child.process.stdout.readline() == "loaded\n"
        watch.start()
        yield watch
        watch.join()
    finally:
        for child in children:
            child.process.kill()
            child.process.communicate()


@pytest.fixture
def watched(started: Watch) -> Watch:
    """The processes after they were watched to the end."""
    started.join()
    return started


@pytest.mark.slow(turn="start")  # two processes are watched for 45 seconds from now on
def test_two_processes_load_a_model(started: Watch) -> None:
    assert [one.process.poll() for one in (started.quiet, started.control)] == [None, None]


@pytest.mark.slow(turn="end")  # as above
def test_a_loaded_model_opens_no_socket_and_writes_nothing_into_the_home_folder(watched: Watch) -> None:
    assert watched.quiet.process.poll() is None
    assert watched.quiet.sockets == set()
    assert watched.quiet.files == []


@pytest.mark.slow(turn="end")  # as above
def test_with_telemetry_a_file_appears_so_that_the_test_above_can_fail(watched: Watch) -> None:
    assert any("onnxruntime" in name or "deviceid" in name for name in watched.control.files)


def test_a_value_set_by_the_user_is_kept() -> None:
    program = "import os, tumorlens; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    others = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    for given, expected in ({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0"):
        done = subprocess.run(
            [sys.executable, "-c", program], env=others | given, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == expected
