"""Cards and graphs of models from before the words of the field were used -> today's words.

The models that ship keep their bytes until new weights ship; their cards are translated when they are read.
REMOVE this module with its last caller when no shipped model needs it. Sentences that a card holds are not translated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_GRAPH_OUTPUTS = {"ood_score": "outside"}

# Old key -> today's, wherever in a card it stands.
_KEYS = {
    "format": "schema_version",
    "canvas": "input_geometry",
    "stored": "weights_dtype",
    "figures": "metrics",
    "confusion": "confusion_matrix",
    "outside": "ood",
    "reach": "threshold_scale",
    "candidates": "prediction_sets",
    "tails": "quantiles",
    "cautions": "caveats",
    "licence": "license",
    "pictures": "images",
    "largest_outside_difference": "largest_ood_difference",
    "grow": "progressive_resizing",
    "settle": "prior_correction",
    "guide": "cam_guidance",
    "artefacts": "artifacts",
    "lower": "downsample",
    "remove": "lesion_inpainting",
    "transplant": "lesion_copy_paste",
    "drawn": "segmented",
    "part": "subset",
}
# Group of recipe keys -> old key -> today's, in that group only.
_RECIPE_KEYS = {
    "optimizer": {"backbone": "backbone_lr_factor", "freeze": "frozen_stages"},
    "loss": {"mask": "segmentation"},
}
_GEOMETRY_MODES = {"pad": "letterbox", "stretch": "resize", "crop": "center_crop"}
_REGION_TESTS = 3  # sentences of the region occlusion test; those after them are of the robustness test


def is_legacy(card: Mapping[str, Any]) -> bool:
    """Whether a card, as JSON has it, is from before `schema_version`."""
    return "schema_version" not in card


def translate(card: Mapping[str, Any]) -> dict[str, Any]:
    """A card in old words -> the same in today's.

    Args:
        card: as JSON has it.
    """
    today: dict[str, Any] = _renamed(card)
    sentences = today.pop("sensitivity", [])
    analyses = {"region_occlusion": sentences[:_REGION_TESTS], "robustness": sentences[_REGION_TESTS:]}
    today["analyses"] = {name: conclusions for name, conclusions in analyses.items() if conclusions}
    today["input_geometry"] = _geometry(today["input_geometry"])
    settings = today.get("training", {}).get("settings", {})
    if "input" in settings:
        settings["input"] |= _geometry(settings["input"])
        settings["input"] = {key: value for key, value in settings["input"].items() if key not in ("fit", "around")}
    for group, names in _RECIPE_KEYS.items():
        if group in settings:
            settings[group] = {names.get(key, key): value for key, value in settings[group].items()}
    if settings.get("loss", {}).get("dice_over") == "picture":
        settings["loss"]["dice_over"] = "image"
    return today


def _geometry(old: Mapping[str, Any]) -> dict[str, Any]:
    """How an image is laid on the square input."""
    others = {key: value for key, value in old.items() if key not in ("fit", "around")}
    crop = "head" if old.get("around") == "head" else "none"
    return others | {"mode": _GEOMETRY_MODES[old.get("fit", "pad")], "crop": crop}


def _renamed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_KEYS.get(key, key): _renamed(inner) for key, inner in value.items()}
    return [_renamed(inner) for inner in value] if isinstance(value, list) else value


def graph_names(outputs: Sequence[str]) -> dict[str, str]:
    """Name of an output today -> its name in a graph.

    Args:
        outputs: the names that the graph gives its outputs.
    """
    today = {old: new for new, old in _GRAPH_OUTPUTS.items()}
    return {today.get(name, name): name for name in outputs}


def tensor_name(name: str) -> str:
    """The name of a tensor in a file of weights -> its name in today's network."""
    return name.replace("decoder.draw.", "decoder.segmentation_head.")
