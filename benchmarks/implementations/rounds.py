"""Shared code of implementations: wait for "go", run a round, print its result; measure time and memory."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median


def serve(one_round: Callable[[], float]) -> None:
    """Print "ready", then print the result of one round for every line on standard input."""
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of libraries must not mix with the results
    print("ready", file=results, flush=True)
    for _ in sys.stdin:
        print(one_round(), file=results, flush=True)


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    """The median time of several calls, after one warm-up call: another implementation used the caches in between."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return median(times)


def peak() -> float:
    """Peak memory in GiB; from /proc where there is one, since getrusage includes the parent process."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
