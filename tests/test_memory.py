"""The allocator keeps freed memory on systems with glibc, and the peak of memory is measured."""

from __future__ import annotations

import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tumorlens import _memory as memory
from tumorlens._memory import keep_freed_memory, peak_memory

# In a process of its own, for the settings last until it ends; without torch, which takes seconds to import and uses
# the same allocator as NumPy.
MEASURE = """
import resource, runpy, sys
import numpy as np

def faults():
    np.ones(2**22), np.ones(2**22)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(2**22)  # 32 MiB: 8,192 pages of 4 KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
assert runpy.run_path(sys.argv[1])["keep_freed_memory"]()
print(before, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_a_freed_block_is_reused_without_page_faults() -> None:
    command = [sys.executable, "-c", MEASURE, memory.__file__]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before, after = map(int, output.split())
    # A system with huge pages has fewer faults, but a kept block has almost none on any.
    assert after <= max(before // 10, 5)


@pytest.mark.parametrize(("accepts", "expected"), [(1, True), (0, False)])
def test_three_settings_are_made_and_one_that_is_not_accepted_is_reported(
    accepts: int, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[int, int] = {}

    def mallopt(parameter: int, value: int) -> int:
        made[parameter] = value
        return accepts if len(made) == 3 else 1

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("ctypes.CDLL", lambda _: SimpleNamespace(mallopt=mallopt))
    assert keep_freed_memory() is expected
    assert made == {-4: 0, -1: 2**31 - 1, -2: 256 * 2**20}  # M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD of malloc.h


def test_a_linux_without_mallopt_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("ctypes.CDLL", lambda _: SimpleNamespace())
    assert keep_freed_memory() is False


def test_other_systems_are_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False


PEAK = """
import runpy, sys
import numpy as np

peak = runpy.run_path(sys.argv[1])["peak_memory"]
before = peak()
np.ones(2**24)  # 128 MiB, freed at once
after = peak()
np.ones(2**20)
print(after - before, peak() - after)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_peak_of_memory_includes_freed_memory() -> None:
    child = subprocess.run([sys.executable, "-c", PEAK, memory.__file__], check=True, capture_output=True, text=True)
    grown, later = map(int, child.stdout.split())
    assert 120 * 2**20 < grown < 160 * 2**20
    assert later < 2**20
    assert (peak_memory() or 0) > 20 * 2**20


def test_the_peak_of_memory_on_macos_is_that_of_getrusage(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    usage = SimpleNamespace(ru_maxrss=123)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(resource, "getrusage", lambda _: usage)
    assert peak_memory() == 123


def test_the_peak_of_memory_is_none_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert peak_memory() is None
