"""Memory of this process: keep freed blocks in the heap, and measure the peak.

glibc returns every large block to the system when it is freed, and the next layer requests it again, zeroed page by
page: on a CPU that costs up to half of the training time. Three settings of mallopt(3) keep large blocks in the heap
instead. They work at run time, so that no environment variable has to be set before Python starts. Peak memory does not
change; memory is only not returned before the process ends.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

# Parameter numbers from glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_PAD_BYTES = 256 * 2**20


def keep_freed_memory() -> bool:
    """Keep freed blocks of this process for reuse from now on.

    Returns:
        True if the allocator accepted the settings; False on systems without glibc, where nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has no mallopt
        return False
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, _PAD_BYTES))
    accepted = [mallopt(parameter, value) == 1 for parameter, value in settings]
    return all(accepted)


def peak_memory() -> int | None:
    """Peak resident memory of this process, bytes, with code, libraries and data; None where unknown.

    On Linux, /proc counts this process alone; getrusage(2), used on macOS, would include the parent process.
    """
    if sys.platform.startswith("linux"):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None
