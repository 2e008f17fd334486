"""card + file -> sections that a person reads, as plain rows; who draws them decides how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tumorlens.model_card import phrases as words
from tumorlens.model_card.card import ModelCard

_OF_CLASSES = ("sensitivity", "specificity", "precision", "dice")


@dataclass(frozen=True)
class ModelFile:
    """The file that a card was read from.

    Attributes:
        path: as it was named.
        bytes: its size.
        sha256: of all its bytes, the card among them.
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
class Section:
    """A title and the rows below it.

    Attributes:
        title: a few words.
        rows: as many cells in each; where there are no headings, a name and what it is.
        headings: of the columns; none for names and what they are.
    """

    title: str
    rows: tuple[tuple[str, ...], ...]
    headings: tuple[str, ...] = ()


def card_page(card: ModelCard, file: ModelFile) -> tuple[Section, ...]:
    """Everything on a card, in the order in which people ask; a section of which it knows nothing is left out."""
    sections = (
        Section("What it is", tuple(_identity(card, file))),
        Section("What it is for", (("use", card.intended_use),)),
        Section("What to know before quoting a figure", tuple(("", text) for text in card.caveats)),
        Section("Figures", tuple(words.figures(card.metrics)), ("", "value (95 % interval)", "from")),
        Section("Figures of each class", tuple(_classes(card)), ("class", "images", *_columns(card))),
        Section("What each class was named", tuple(words.confusions(card))),
        Section("Calibration", tuple(("", text) for text in words.calibration(card))),
        Section(
            "When images change", tuple(("", text) for conclusions in card.analyses.values() for text in conclusions)
        ),
        Section("What it declines", tuple(_declined(card))),
        Section("Data", tuple(_data(card))),
        Section("Training", tuple(_training(card))),
        Section("License", tuple(_license(card))),
        Section("Made with", (("same as PyTorch", _parity(card)), *card.versions.items())),
    )
    return tuple(section for section in sections if section.rows)


def _identity(card: ModelCard, file: ModelFile) -> Iterator[tuple[str, str]]:
    yield "run", card.name
    about = card.training.get("network", {}).get("summary")
    yield "network", f"{card.model}, {card.parameters:,} parameters" + (f": {about}" if about else "")
    yield "classes", ", ".join(card.classes)
    yield "input", f"{words.input_geometry(card)}; {words.intensities(card)}".removesuffix("; ")
    yield "answers", words.outputs(card)
    if card.methods:
        yield "can be explained by", ", ".join(card.methods)
    yield "file", str(file)
    if card.tested_on:
        yield "tested on", card.tested_on
    if words.is_older(card):
        yield "older bundle", words.OLDER


def _columns(card: ModelCard) -> tuple[str, ...]:
    known = {name for found in card.per_class.values() for name in found}
    return tuple(words.TITLES[name] for name in _OF_CLASSES if name in known)


def _classes(card: ModelCard) -> Iterator[tuple[str, ...]]:
    titles = {words.TITLES[name]: name for name in _OF_CLASSES}
    for name, found in card.per_class.items():
        cells = (
            words.figure(key, found[key]) if key in found else "" for key in map(titles.get, _columns(card)) if key
        )
        yield name, f"{found['sensitivity']['n']:,}", *cells


def _declined(card: ModelCard) -> Iterator[tuple[str, str]]:
    if said := words.outside(card):
        yield "inputs not of its kind", said
    if said := words.prediction_sets(card):
        yield "answers it is unsure of", said


def _data(card: ModelCard) -> Iterator[tuple[str, str]]:
    known = card.training
    if "data" in known:
        yield "data", known["data"]
    yield from words.datasets(card)
    yield from words.parts(card)
    if divided := words.split(card):
        yield "split", divided
    for key, name in (("split_hash", "split hash"), ("data_fingerprint", "data fingerprint")):
        if key in known:
            yield name, known[key]
    yield from (("note", note) for note in known.get("notes", ()))


def _training(card: ModelCard) -> Iterator[tuple[str, str]]:
    known = card.training
    for key, name in (("recipe", "recipe"), ("seed", "seed"), ("pretrained", "first weights"), ("device", "device")):
        if key in known:
            yield name, str(known[key])
    if chosen := words.options(card):
        yield "options", chosen
    yield from words.settings(card)
    if kept := words.epoch(card):
        yield "epoch", kept


def _license(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield "license", card.license
    yield from (("attribution", line) for line in card.attributions)


def _parity(card: ModelCard) -> str:
    found = card.parity
    said = f"largest difference in a probability {found.largest_difference:.1e} over {found.images} images"
    if found.largest_mask_difference is None:
        return said
    return f"{said}; in a pixel of a mask {found.largest_mask_difference:.1e}"
