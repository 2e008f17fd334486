"""card + file -> the sections of its page, as plain rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tumorlens.metrics.names import title
from tumorlens.model_card import phrases
from tumorlens.model_card.card import ModelCard

_CLASS_METRICS = ("sensitivity", "specificity", "precision", "dice")


@dataclass(frozen=True)
class ModelFile:
    """The file of a model.

    Attributes:
        path: as the user gave it.
        bytes: size.
        sha256: of the whole file, with the card.
    """

    path: Path
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> ModelFile:
        """Read the file."""
        content = path.read_bytes()
        return cls(path, len(content), sha256(content).hexdigest())

    def __str__(self) -> str:
        return f"{self.path.name}, {self.bytes / 1e6:.1f} MB, SHA-256 {self.sha256}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"path": str(self.path), "bytes": self.bytes, "sha256": self.sha256}


@dataclass(frozen=True)
class CardSection:
    """A section of a card's page: a table.

    Attributes:
        title: a few words.
        rows: cells; without headings a name and its value.
        headings: of the columns.
    """

    title: str
    rows: tuple[tuple[str, ...], ...]
    headings: tuple[str, ...] = ()


def card_page(card: ModelCard, file: ModelFile) -> tuple[CardSection, ...]:
    """All facts on a card, the most important first; empty sections are left out."""
    sections = (
        CardSection("Model", tuple(_identity(card, file))),
        CardSection("Intended use", (("use", card.intended_use),)),
        CardSection("Caveats", tuple(("", caveat) for caveat in card.caveats)),
        CardSection(
            "Is there a tumor at all", tuple(phrases.detection_rows(card)), ("", "estimate (95 % interval)", "sample")
        ),
        CardSection("Metrics", tuple(phrases.metric_rows(card.metrics)), ("", "estimate (95 % interval)", "sample")),
        CardSection("Metrics per class", tuple(_classes(card)), ("class", "images", *_columns(card).values())),
        CardSection("Confusion matrix", tuple(phrases.confusion_rows(card))),
        CardSection("Calibration", tuple(("", text) for text in phrases.calibration(card))),
        CardSection("Analyses", tuple(("", text) for conclusions in card.analyses.values() for text in conclusions)),
        CardSection("Out-of-distribution detection and selective prediction", tuple(_abstention(card))),
        CardSection("Data", tuple(_data(card))),
        CardSection("Training", tuple(_training(card))),
        CardSection("License", tuple(_license(card))),
        CardSection("Software", (("parity with PyTorch", _parity(card)), *card.versions.items())),
    )
    return tuple(section for section in sections if section.rows)


def _identity(card: ModelCard, file: ModelFile) -> Iterator[tuple[str, str]]:
    yield "run", card.name
    summary = card.training.network.summary if card.training.network else ""
    yield "network", f"{card.model}, {card.parameters:,} parameters" + (f": {summary}" if summary else "")
    yield "classes", ", ".join(card.classes)
    yield "input", f"{phrases.input_geometry(card)}; {phrases.intensities(card)}".removesuffix("; ")
    yield "output", phrases.outputs(card)
    if card.methods:
        yield "explanation methods", ", ".join(card.methods)
    yield "file", str(file)
    if card.tested_on:
        yield "tested on", card.tested_on
    if phrases.is_older(card):
        yield "older model file", phrases.OLDER


def _columns(card: ModelCard) -> dict[str, str]:
    """Name -> title of the metrics per class that the card holds."""
    known = {name for metrics in card.per_class.values() for name in metrics}
    return {name: title(name) for name in _CLASS_METRICS if name in known}


def _classes(card: ModelCard) -> Iterator[tuple[str, ...]]:
    columns = _columns(card)
    for name, metrics in card.per_class.items():
        cells = (phrases.estimate_text(key, metrics[key]) if key in metrics else "" for key in columns)
        yield name, f"{metrics['sensitivity'].n:,}", *cells


def _abstention(card: ModelCard) -> Iterator[tuple[str, str]]:
    if text := phrases.ood(card):
        yield "out-of-distribution images", text
    if text := phrases.prediction_sets(card):
        yield "uncertain predictions", text


def _data(card: ModelCard) -> Iterator[tuple[str, str]]:
    training = card.training
    if training.data is not None:
        yield "data", training.data
    yield from phrases.datasets(card)
    yield from phrases.subsets(card)
    if text := phrases.split(card):
        yield "split", text
    if training.split_hash is not None:
        yield "split hash", training.split_hash
    if training.data_fingerprint is not None:
        yield "data fingerprint", training.data_fingerprint
    yield from (("note", note) for note in training.notes)


def _training(card: ModelCard) -> Iterator[tuple[str, str]]:
    training = card.training
    facts = {
        "recipe": training.recipe,
        "seed": training.seed,
        "initial weights": training.pretrained,
        "device": training.device,
    }
    yield from ((name, str(fact)) for name, fact in facts.items() if fact is not None)
    if text := phrases.options(card):
        yield "options", text
    yield from phrases.settings(card)
    if text := phrases.epoch(card):
        yield "epoch", text


def _license(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield "license", card.license
    yield from (("attribution", line) for line in card.attributions)


def _parity(card: ModelCard) -> str:
    parity = card.parity
    text = f"largest difference of a class probability {parity.largest_difference:.1e} on {parity.images} images"
    if parity.largest_mask_difference is None:
        return text
    return f"{text}; of a mask pixel {parity.largest_mask_difference:.1e}"
