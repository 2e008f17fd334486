"""Registry of architectures -> the committed table of their sizes and costs.

``python -m tumorlens.models.network_counts`` writes the table anew, after an architecture was added or changed.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import tumorlens
from tumorlens._network_table import CLASSES, TABLE_FILE, NetworkFacts
from tumorlens.models.cost import cost
from tumorlens.models.registry import architecture_info, registered_names


def counted_facts(name: str) -> NetworkFacts:
    """The facts of an architecture, counted from the network itself.

    Raises:
        ModelError: no such name.
    """
    return NetworkFacts(**(asdict(architecture_info(name)) | asdict(cost(name, CLASSES))))


def write_table(path: Path) -> None:
    """Count all networks of the registry, and write the table."""
    rows = [asdict(counted_facts(name)) for name in registered_names()]
    path.write_text(json.dumps({"networks": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_table(Path(tumorlens.__file__).with_name(TABLE_FILE))
