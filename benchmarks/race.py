"""Contestants -> figures: processes side by side that take turns (A B A B ...), a figure a round."""

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

CONTESTANTS = Path(__file__).parent / "contestants"
# What people who tune PyTorch on a CPU set before Python starts: glibc then keeps freed blocks for reuse.
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "MALLOC_TOP_PAD_": str(2**28),
}
# Set in the shell, these would handicap some contestants and not others.
_UNFAIR = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_ARENA_MAX", "LD_PRELOAD", *TUNED)


class Rival(Protocol):
    """Anything that can be asked for the figure of one more round."""

    name: str

    def __enter__(self) -> Rival: ...
    def __exit__(self, *_: Any) -> None: ...
    def round(self) -> float: ...


@dataclass
class Contestant(AbstractContextManager["Contestant"]):
    """A script of `contestants/` in a process of its own: it starts and warms up once, then waits for rounds.

    Attributes:
        name: as tables call it.
        script: file in `contestants/`.
        arguments: of the script; passed on as text.
        environment: added to that of this process.
    """

    name: str
    script: str
    arguments: Sequence[object] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Contestant:
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # closed in __exit__
        self._process = subprocess.Popen(
            [sys.executable, CONTESTANTS / self.script, *map(str, self.arguments)],
            env=fair_environment() | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )
        self._answer()
        return self

    def __exit__(self, *_: Any) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()  # the end of its rounds
        self._process.wait()
        self._process.stdout.close()
        self._complaints.close()

    def round(self) -> float:
        """The figure of one round, in the unit of the script."""
        assert self._process.stdin
        print("go", file=self._process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout
        if line := self._process.stdout.readline():
            return line.strip()
        self._complaints.seek(0)
        raise RuntimeError(f"{self.script} ended early:\n{self._complaints.read().decode()[-3000:]}")


@dataclass
class Command(AbstractContextManager["Command"]):
    """A whole command; a round is the seconds from its start to its exit."""

    name: str
    command: Sequence[object]

    def __enter__(self) -> Command:
        self.round()  # so that no contestant is the first to read its files from disk
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def round(self) -> float:
        """Start it, wait for its end, and see that it went well."""
        begun = time.perf_counter()
        done = subprocess.run([*map(str, self.command)], env=fair_environment(), capture_output=True, text=True)
        spent = time.perf_counter() - begun
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(map(str, self.command))}: exit code {done.returncode}\n{done.stderr[-3000:]}"
            )
        return spent


@dataclass(frozen=True)
class Series:
    """What one contestant reached, a figure a round."""

    name: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """Over the rounds."""
        return median(self.values)


def race(contestants: Sequence[Rival], rounds: int) -> tuple[Series, ...]:
    """Let all start and warm up, then take turns: in every round each once, in the order given."""
    values: list[list[float]] = [[] for _ in contestants]
    with ExitStack() as stack:
        for contestant in contestants:
            stack.enter_context(contestant)
        for _ in range(rounds):
            for contestant, mine in zip(contestants, values, strict=True):
                mine.append(contestant.round())
    return tuple(Series(c.name, tuple(mine)) for c, mine in zip(contestants, values, strict=True))


def fair_environment() -> dict[str, str]:
    """The environment of this process without settings that favor anybody."""
    return {key: value for key, value in os.environ.items() if key not in _UNFAIR}
