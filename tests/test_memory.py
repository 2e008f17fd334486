"""The allocator keeps what PyTorch frees, where there is one that can be told to; the peak of memory is known."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from tumorlens import _memory as memory
from tumorlens._memory import keep_freed_memory, peak_memory

# In a process of its own, since the settings last as long as the process does; without torch, which takes
# seconds to import and asks the same allocator as NumPy does.
MEASURE = """
import resource, runpy, sys
import numpy as np

def faults():
    np.ones(2**22), np.ones(2**22)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(2**22)  # 32 MiB: 8,192 pages of 4 KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

left = faults()
assert runpy.run_path(sys.argv[1])["keep_freed_memory"]()
print(left, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_a_freed_block_is_used_again_without_asking_the_system() -> None:
    command = [sys.executable, "-c", MEASURE, memory.__file__]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    left, kept = map(int, said.split())
    # A system with huge pages counts fewer faults, but a kept block has next to none on any.
    assert kept <= max(left // 10, 5)


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False


PEAK = """
import runpy, sys
import numpy as np

peak = runpy.run_path(sys.argv[1])["peak_memory"]
before = peak()
np.ones(2**24)  # 128 MiB, given back at once
after = peak()
np.ones(2**20)
print(after - before, peak() - after)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_peak_of_memory_stays_when_memory_is_given_back() -> None:
    said = subprocess.run([sys.executable, "-c", PEAK, memory.__file__], check=True, capture_output=True, text=True)
    grown, later = map(int, said.stdout.split())
    assert 120 * 2**20 < grown < 160 * 2**20
    assert later < 2**20


def test_where_nobody_knows_the_peak_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert peak_memory() is None
