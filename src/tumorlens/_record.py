"""run.json beside the results of a command: versions, seed, data, device, timings, outputs."""

from __future__ import annotations

import json
import math
import platform
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import tumorlens
from tumorlens._files import atomic_write

# Packages that may change results; packages that are not installed are left out.
_PACKAGES = (
    "numpy",
    "pillow",
    "h5py",
    "onnxruntime",
    "openvino",
    "torch",
    "torchvision",
    "timm",
    "lightning",
    "onnx",
    "scipy",
    "scikit-learn",
)

SURROGATES = "backslashreplace"
"""Error handler for file names that are not UTF-8: written as escapes, which JSON decodes to the name."""


class Record:
    """Facts collected while a command runs, written once at its end.

    Its keys are in this order: schema version, verb, start, command, versions, the facts of the command, seconds, and
    what is added later.
    """

    def __init__(self, verb: str, *, schema_version: int | None = None, **facts: Any) -> None:
        self._started = time.perf_counter()
        self._last = self._started
        self.facts: dict[str, Any] = {
            **({} if schema_version is None else {"schema_version": schema_version}),
            "verb": verb,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": [_program(Path(sys.argv[0])), *sys.argv[1:]],
            "versions": versions(),
            **facts,
            "seconds": {},
        }

    def add(self, **facts: Any) -> None:
        """Add facts; a later value replaces an earlier one."""
        self.facts.update(facts)

    def lap(self, name: str) -> None:
        """Record the seconds since the last lap under `name`."""
        now = time.perf_counter()
        self.facts["seconds"][name] = round(now - self._last, 3)
        self._last = now

    def write(self, folder: Path, name: str = "run.json") -> Path:
        """Write the record into `folder`, whole or not at all."""
        self.facts["seconds"]["total"] = round(time.perf_counter() - self._started, 3)
        return write_json(self.facts, folder / name)


def _program(path: Path) -> str:
    """The name of the program as typed; ``python -m tumorlens`` is the program tumorlens."""
    return "tumorlens" if path.name == "__main__.py" and path.parent.name == "tumorlens" else path.name


def versions() -> dict[str, str]:
    """Versions of tumorlens, Python, the system and the packages that may change results."""
    installed = {
        "tumorlens": tumorlens.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    for package in _PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def processor() -> str:
    """The model name of the processor, or its architecture where the system does not give it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def write_json(data: Mapping[str, Any], path: Path) -> Path:
    """Write JSON with indentation, whole or not at all; NaN and infinities become null. Returns the path."""
    text = json.dumps(to_jsonable(data), indent=2, ensure_ascii=False) + "\n"
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors=SURROGATES)
    return path


def to_jsonable(value: Any) -> Any:
    """Convert mappings, sequences, arrays and paths to JSON types; NaN and infinities become None."""
    if isinstance(value, Mapping):
        return {str(k): to_jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_jsonable(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return to_jsonable(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
