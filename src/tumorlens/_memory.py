"""The memory of this process: the allocator told to keep what PyTorch frees, and the most it ever held.

glibc hands every large block back to the system when it is freed and asks for it again, zeroed page by
page, at the next layer: on a CPU that costs up to half of the training time. Three settings of mallopt(3)
keep large blocks in the heap instead. They can be made at run time, so that no environment variable has
to be set before Python starts; peak memory stays, it is only not returned until the process ends.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

# Parameter numbers from glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_PAD_BYTES = 256 * 2**20


def keep_freed_memory() -> bool:
    """Keep freed blocks for reuse from now on, in this process.

    Returns:
        True where the allocator took the settings; False on systems without glibc (nothing is changed).
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
    """The most memory this process ever held at once, bytes: its code, libraries and data; None where unknown.

    Linux says it of the process alone. The figure of getrusage(2), taken on macOS, would there include that of the
    process it was started from.
    """
    if sys.platform.startswith("linux"):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return None
