"""run -> what its card says of where it comes from: data sets and whose they are, parts, network, settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tumorlens.datasets import DATASETS, SPLITS, DatasetCard, Sample, Table
from tumorlens.models import attribution, card
from tumorlens.training import Run

_RECORDED = (
    "recipe",
    "seed",
    "pretrained",
    "data",
    "data_fingerprint",
    "split",
    "split_hash",
    "counts",
    "notes",
    "masks",
    "leaks",
    "epochs_trained",
    "epoch_kept",
    "validation",
    "device",
)
_OF_SETS = ("summary", "images", "patients", "license", "citation", "homepage", "problems")
_SAID_ELSEWHERE = ("name", "description", "model", "pretrained")  # and `pretrained` may be a path of this machine


def training(run: Run, table: Table) -> dict[str, Any]:
    """The facts of a run and of its data, as plain data; a key that an older record lacks is left out."""
    spec, known = run.spec, card(run.spec.model)
    return {key: run.record[key] for key in _RECORDED if key in run.record} | {
        "settings": {
            # The recipe may leave the precision to the machine; the record says what it was.
            key: run.record.get(key, value) if key == "precision" else value
            for key, value in run.settings().items()
            if key not in _SAID_ELSEWHERE
        },
        "network": {
            "summary": known.summary,
            "citation": known.citation,
            "channels": spec.channels,
            "mean": list(spec.mean),
            "std": list(spec.std),
            "dropout": spec.dropout,
            "options": dict(known.options) | dict(spec.options),
        },
        "datasets": [_set(name, rows) for name, rows in _sets(table).items()],
        "classes": {
            part: {name: _count([s for s in rows if s.label == name]) for name in table.classes}
            for part in SPLITS
            if (rows := [s for s in table.samples if s.split == part])
        },
    }


def attributions(run: Run, table: Table) -> tuple[str, ...]:
    """Whose images, masks and first weights are in a run, and under what license, a line each."""
    sets = _sets(table)
    # Masks and patients may be those of a set whose own images are not in the table.
    lenders = {s.patient.partition(":")[0] for s in table.samples if s.patient} - set(sets)
    lines = [_credit(name, _known(name, rows)) for name, rows in sets.items()]
    lines += [_credit(name, DATASETS[name].card) for name in sorted(lenders & set(DATASETS))]
    first = attribution(run.spec.model, run.record["pretrained"])
    return (*lines, first) if first else tuple(lines)


def _credit(name: str, known: DatasetCard | None) -> str:
    if known is None:
        return f"Data set {name}: license and author are not known to tumorlens; say them where you pass this on"
    return f"Data set {name}: {known.license}; {known.citation}" + (f"; {known.homepage}" if known.homepage else "")


def _set(name: str, rows: Sequence[Sample]) -> dict[str, Any]:
    """What is known of one set, and how much of it was used."""
    known = _known(name, rows)
    facts = {key: getattr(known, key) for key in _OF_SETS} | {"problems": list(known.problems)} if known else {}
    return {"name": name, "used": _count(rows)} | facts


def _known(name: str, rows: Sequence[Sample]) -> DatasetCard | None:
    """The card of a public set; None for any other, also for one that only bears such a name."""
    found = DATASETS[name].card if name in DATASETS else None
    if found is None or not {s.label for s in rows} <= set(found.classes):
        return None
    return None if found.images is not None and len(rows) > found.images else found


def _sets(table: Table) -> dict[str, list[Sample]]:
    return {
        name: [s for s in table.samples if s.dataset == name] for name in sorted({s.dataset for s in table.samples})
    }


def _count(rows: Sequence[Sample]) -> dict[str, int]:
    return {"images": len(rows), "patients": len({s.patient for s in rows if s.patient})}
