"""What contestants share: wait for "go", run a round, answer with its figure; what time and memory it took."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median


def serve(one_round: Callable[[], float]) -> None:
    """Say that all is ready, then answer every line on standard input with the figure of one round."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not be taken for an answer
    print("ready", file=answers, flush=True)
    for _ in sys.stdin:
        print(one_round(), file=answers, flush=True)


def milliseconds(call: Callable[[], object], times: int) -> float:
    """The median of several calls, after one that does not count: the caches went to others meanwhile."""
    call()
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        spent.append(1000 * (time.perf_counter() - begun))
    return median(spent)


def peak() -> float:
    """GiB; by Linux's own account where there is one, since the other counts the process that started this one."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
