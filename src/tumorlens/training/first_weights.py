"""First weights + table -> whether they already know images that are to be measured on.

Weights that tumorlens wrote say in their header what they were trained on. Whoever goes on from them and measures on
the same sets, or on copies of them, measures on training images, and no split of the new run can show it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tumorlens._extras import require
from tumorlens.auditing import LinkedGroups
from tumorlens.datasets import Table
from tumorlens.errors import LeakError, ModelError

_CARD = "tumorlens"  # name of the card in the header, as `tumorlens.deploy` writes it
_PARTS = {"no_tumor": ("nickparvar",)}  # sets that hold the images of others, without saying so file by file


def check_first_weights(table: Table, ties: LinkedGroups, source: str) -> None:
    """See that no image of val or test is of a set that the first weights were trained on.

    Args:
        table: with a split.
        ties: of this table: copies of known sets are recognized by them.
        source: the recipe's `pretrained`; only files with a card in their header say anything.

    Raises:
        LeakError: there are such images; says how many, and of which sets.
    """
    learned = trained_on(source)
    if not learned:
        return
    of = {trace.sample: trace.known for trace in ties.source_matches}
    known = [
        (sample.split, name)
        for position, sample in enumerate(table.samples)
        if sample.split in ("val", "test") and (name := of.get(position, sample.dataset)) in learned
    ]
    if known:
        sets = ", ".join(sorted({name for _, name in known}))
        raise LeakError(
            f"{table.name}: {len(known):,} images of val and test are of {sets}, which the first weights, {source}, "
            "were trained on, so no figure on them can be believed; start from other weights (pretrained=imagenet), or "
            "measure on other data"
        )


def trained_on(source: str) -> frozenset[str]:
    """Names of the data sets that weights in a file were trained on; none where the file does not say.

    Raises:
        ModelError: the file is damaged.
    """
    path = Path(source)
    if path.suffix != ".safetensors" or not path.is_file():
        return frozenset()
    try:
        with require("safetensors", "train", "read weights").safe_open(path, "np") as file:
            header: dict[str, str] = file.metadata() or {}
        card: dict[str, Any] = json.loads(header.get(_CARD, "{}"))
    except Exception as error:  # safetensors' exceptions have no base of their own
        raise ModelError(
            f"{path}: not readable as weights ({type(error).__name__}); expected a whole .safetensors file"
        ) from None
    names = {known["name"] for known in card.get("training", {}).get("datasets", ())}
    return frozenset(names.union(*(_PARTS.get(name, ()) for name in names)))
