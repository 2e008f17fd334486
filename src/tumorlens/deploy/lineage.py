"""run + table -> the provenance on its card: data sets and their licenses, subsets, network, settings."""

from __future__ import annotations

from collections.abc import Sequence

from tumorlens.datasets import DATASETS, SPLITS, DatasetCard, Sample, Table
from tumorlens.datasets.data_records import SampleCount
from tumorlens.model_card.training_provenance import DatasetRecord, NetworkRecord, TrainingProvenance
from tumorlens.models import architecture_info, attribution
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
_DATASET_FACTS = ("summary", "images", "patients", "license", "citation", "homepage", "problems")
# Other fields of the card hold these, and `pretrained` may be a path of this machine.
_NOT_SETTINGS = ("name", "description", "model", "pretrained")


def training_provenance(run: Run, table: Table) -> TrainingProvenance:
    """How a run was trained.

    Args:
        run: a finished run.
        table: its own data.
    """
    spec, info = run.spec, architecture_info(run.spec.model)
    recorded = {key: value for key, value in run.record.to_dict().items() if key in _RECORDED}
    settings = {key: value for key, value in run.settings().items() if key not in _NOT_SETTINGS}
    if "precision" in settings:  # the recipe may leave it to the machine; the record holds what was used
        settings["precision"] = run.record.precision
    return TrainingProvenance(
        **recorded,
        settings=settings,
        network=NetworkRecord(
            summary=info.summary,
            citation=info.citation,
            channels=spec.channels,
            mean=spec.mean,
            std=spec.std,
            dropout=spec.dropout,
            options=dict(info.options) | dict(spec.options),
        ),
        datasets=tuple(_dataset_record(name, samples) for name, samples in _by_dataset(table).items()),
        classes={
            subset: {name: SampleCount.of([s for s in samples if s.label == name]) for name in table.classes}
            for subset in SPLITS
            if (samples := [s for s in table.samples if s.split == subset])
        },
    )


def attributions(run: Run, table: Table) -> tuple[str, ...]:
    """Authors and licenses of the images, masks and initial weights in a run, one line each.

    Args:
        run: a finished run.
        table: its own data.
    """
    datasets = _by_dataset(table)
    # Masks and patient ids may be from a set of which the table holds no image.
    lenders = {s.patient.partition(":")[0] for s in table.samples if s.patient} - set(datasets)
    lines = [_credit(name, _public_card(name, samples)) for name, samples in datasets.items()]
    lines += [_credit(name, DATASETS[name].card) for name in sorted(lenders & set(DATASETS))]
    weights = attribution(run.spec.model, run.record.pretrained)
    return (*lines, weights) if weights else tuple(lines)


def _credit(name: str, card: DatasetCard | None) -> str:
    if card is None:
        return f"Data set {name}: license and authors unknown to tumorlens; add them before you share the model"
    return f"Data set {name}: {card.license}; {card.citation}" + (f"; {card.homepage}" if card.homepage else "")


def _dataset_record(name: str, samples: Sequence[Sample]) -> DatasetRecord:
    card = _public_card(name, samples)
    facts = {key: getattr(card, key) for key in _DATASET_FACTS} if card else {}
    return DatasetRecord(name=name, used=SampleCount.of(samples), **facts)


def _public_card(name: str, samples: Sequence[Sample]) -> DatasetCard | None:
    """The card of a public set; None for any other set, also for one that has the name of a public set."""
    card = DATASETS[name].card if name in DATASETS else None
    if card is None or not {s.label for s in samples} <= set(card.classes):
        return None
    return None if card.images is not None and len(samples) > card.images else card


def _by_dataset(table: Table) -> dict[str, list[Sample]]:
    return {
        name: [s for s in table.samples if s.dataset == name] for name in sorted({s.dataset for s in table.samples})
    }
