"""Implementations -> Series: processes side by side that take turns (A B A B ...), one measurement per round."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import IO, Any, Protocol

IMPLEMENTATIONS = Path(__file__).parent / "implementations"
# Common allocator settings for PyTorch on a CPU, set before Python starts: glibc keeps freed memory for reuse.
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "MALLOC_TOP_PAD_": str(2**28),
}
# Variables of the shell that would change the speed of some implementations only.
_UNFAIR = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_ARENA_MAX", "LD_PRELOAD", *TUNED)


class Measurable(Protocol):
    """An implementation: measures one round at a time."""

    name: str

    def __enter__(self) -> Measurable: ...
    def __exit__(self, *_: Any) -> None: ...
    def round(self) -> float: ...


@dataclass
class Implementation(AbstractContextManager["Implementation"]):
    """A script of `implementations/` in its own process: it starts and warms up once, then waits for rounds.

    Attributes:
        name: in tables.
        script: file in `implementations/`.
        arguments: of the script; passed as text.
        environment: added to that of this process.
    """

    name: str
    script: str
    arguments: Sequence[object] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Implementation:
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # closed in __exit__
        self._process = subprocess.Popen(
            [sys.executable, IMPLEMENTATIONS / self.script, *map(str, self.arguments)],
            env=fair_environment() | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        self._read_line()
        return self

    def __exit__(self, *_: Any) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()  # ends the rounds
        self._process.wait()
        self._process.stdout.close()
        self._stderr.close()

    def round(self) -> float:
        """The measurement of one round, in the unit of the script."""
        assert self._process.stdin
        print("go", file=self._process.stdin, flush=True)
        return float(self._read_line())

    def _read_line(self) -> str:
        assert self._process.stdout
        if line := self._process.stdout.readline():
            return line.strip()
        self._stderr.seek(0)
        raise RuntimeError(f"{self.script} ended early:\n{self._stderr.read().decode()[-3000:]}")


@dataclass
class Command(AbstractContextManager["Command"]):
    """A complete command; a round measures the seconds from its start to its exit."""

    name: str
    command: Sequence[object]

    def __enter__(self) -> Command:
        self.round()  # so that the files of every implementation are in the disk cache
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def round(self) -> float:
        """Run the command once, and check its exit code."""
        start = time.perf_counter()
        done = subprocess.run([*map(str, self.command)], env=fair_environment(), capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(map(str, self.command))}: exit code {done.returncode}\n{done.stderr[-3000:]}"
            )
        return seconds


@dataclass(frozen=True)
class Series:
    """The measurements of one implementation, one per round."""

    name: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """Over the rounds."""
        return median(self.values)


def measure_interleaved(implementations: Sequence[Measurable], rounds: int) -> tuple[Series, ...]:
    """Start and warm up all implementations, then measure each once per round, in the given order."""
    values: list[list[float]] = [[] for _ in implementations]
    with ExitStack() as stack:
        for implementation in implementations:
            stack.enter_context(implementation)
        for _ in range(rounds):
            for implementation, own in zip(implementations, values, strict=True):
                own.append(implementation.round())
    return tuple(Series(one.name, tuple(own)) for one, own in zip(implementations, values, strict=True))


def fair_environment() -> dict[str, str]:
    """The environment of this process without variables that change the speed of some implementations only."""
    return {key: value for key, value in os.environ.items() if key not in _UNFAIR}
