"""name -> reporting checklist: the YAML files beside this module. Light enough to list their names at the start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tumorlens.model_card.checklists.checklist import Checklist

_FOLDER = Path(__file__).parent


def checklist_names() -> list[str]:
    """Names of all checklists, as on the command line: ``"claim"``, ``"tripod-ai"``."""
    return sorted(path.stem.replace("_", "-") for path in _FOLDER.glob("*.yaml"))


def load_checklist(name: str) -> Checklist:
    """Read a checklist.

    Args:
        name: one of `checklist_names`.
    """
    from tumorlens.model_card.checklists.checklist import read_checklist

    return read_checklist(_FOLDER / f"{name.replace('-', '_')}.yaml")
