"""The architectures with their sizes and costs, from a committed table: readable without torch.

The table is written by ``python -m tumorlens.models.network_counts`` from the registry of architectures; a test counts
parameters and multiply-adds again and compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from pydantic import TypeAdapter

from tumorlens.errors import ModelError, did_you_mean

TABLE_FILE = "_network_table.json"
"""In the folder of the package."""
CLASSES = 4
"""Number of classes that the parameters are counted for."""


Option = bool | int | float | str


@dataclass(frozen=True)
class ArchitectureInfo:
    """Description of an architecture, available before the network is built.

    Attributes:
        name: in the registry.
        summary: one line.
        input_size: default side of the square input, pixels.
        mean: per-channel mean subtracted from inputs in [0, 1].
        std: per-channel divisor after that.
        license: of the architecture's code and of its public weights.
        citation: the paper.
        published_method: number of the published method it belongs to, if any.
        weights: sources of ImageNet weights: any of "hub" and "package"; empty where there are none.
        segments: whether its output has a mask.
        options: further settings of the architecture, each with its default.
    """

    name: str
    summary: str
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    license: str
    citation: str
    published_method: int | None = None
    weights: tuple[str, ...] = ()
    segments: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)

    @property
    def short_name(self) -> str:
        """The summary up to its first comma, colon or "with", for example ``"EfficientNet-B0"``."""
        return re.split(r",|:| with ", self.summary, maxsplit=1)[0]


@dataclass(frozen=True, kw_only=True)
class NetworkFacts(ArchitectureInfo):
    """An architecture with its cost, as `tumorlens networks info NAME` prints it.

    Attributes:
        parameters: trainable values with four classes, without those that are used in training only.
        multiply_adds: of one forward pass with one image of `input_size`.
    """

    parameters: int
    multiply_adds: int


_ROWS = TypeAdapter(list[NetworkFacts])


@cache
def network_table() -> dict[str, NetworkFacts]:
    """All architectures by name, sorted."""
    rows = json.loads(resources.files("tumorlens").joinpath(TABLE_FILE).read_text(encoding="utf-8"))["networks"]
    return {facts.name: facts for facts in _ROWS.validate_python(rows)}


def list_networks() -> list[str]:
    """The names of all architectures, sorted, for the key ``model`` of a recipe.

    Example:
        >>> import tumorlens
        >>> "efficientnet_b0" in tumorlens.list_networks()
        True
    """
    return list(network_table())


def network_facts(name: str) -> NetworkFacts:
    """The facts of an architecture.

    Raises:
        ModelError: no such name; suggests the nearest one.
    """
    table = network_table()
    if name not in table:
        advice = did_you_mean(name, table) or "see: tumorlens networks list"
        raise ModelError(found=f"no network is called '{name}'", advice=advice)
    return table[name]
