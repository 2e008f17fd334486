"""Pretrained weights + table -> whether validation or test images were among the images of the pretraining.

Weights that tumorlens wrote list their training sets in their header. A run that starts from them and is evaluated on
the same sets, or on duplicates of their images, is evaluated on training images, and the split of the new run cannot
show it.
"""

from __future__ import annotations

import json
from pathlib import Path

from tumorlens._extras import require
from tumorlens.auditing import LinkedGroups
from tumorlens.datasets import Table
from tumorlens.errors import LeakError, ModelError

_CARD = "tumorlens"  # name of the card in the header, as `tumorlens.deploy` writes it
_CONTAINED = {"no_tumor": ("nickparvar",)}  # sets with images of other sets, without stating it file by file


def check_pretraining_leak(table: Table, groups: LinkedGroups, source: str) -> None:
    """Check that no image of val or test is from a set that the initial weights were trained on.

    Args:
        table: with a split.
        groups: of this table; its source matches identify duplicates of known sets.
        source: the recipe's `pretrained`; only a file with a card in its header states its training sets.

    Raises:
        LeakError: there are such images; says how many, and from which sets.
    """
    pretraining = pretraining_sets(source)
    if not pretraining:
        return
    origin = {match.sample: match.reference for match in groups.source_matches}
    leaked = [
        name
        for position, sample in enumerate(table.samples)
        if sample.split in ("val", "test") and (name := origin.get(position, sample.dataset)) in pretraining
    ]
    if leaked:
        raise LeakError(
            found=f"{table.name}: {len(leaked):,} images of val and test are of {', '.join(sorted(set(leaked)))}, "
            f"and the initial weights, {source}, were trained on that data, so no metric on them is valid",
            expected="weights that were trained on other data",
            advice="start from other weights (pretrained=imagenet), or evaluate on other data",
        )


def pretraining_sets(source: str) -> frozenset[str]:
    """Names of the data sets that the weights in a file were trained on; empty where the file does not list them.

    Raises:
        ModelError: the file is damaged.
    """
    path = Path(source)
    if path.suffix != ".safetensors" or not path.is_file():
        return frozenset()
    try:
        with require("safetensors", "train", "read weights").safe_open(path, "np") as file:
            header: dict[str, str] = file.metadata() or {}
        card = json.loads(header.get(_CARD, "{}"))
    except Exception as error:  # safetensors' exceptions have no base of their own
        raise ModelError(
            file=path,
            found=f"not readable as weights ({type(error).__name__})",
            expected="a whole .safetensors file",
        ) from None
    names = {dataset["name"] for dataset in card.get("training", {}).get("datasets", ())}
    return frozenset(names.union(*(_CONTAINED.get(name, ()) for name in names)))
