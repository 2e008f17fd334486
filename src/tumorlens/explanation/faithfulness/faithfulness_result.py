"""What is known of the maps of a run: the figures, what they mean, and the rows of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tumorlens._arrays import Flags, Floats
from tumorlens.datasets import Sample
from tumorlens.explanation.faithfulness.sanity_checks import Sanity
from tumorlens.stats import Estimate

Figures = dict[str, Estimate]
"""Each of `FIGURES`, by name."""

STAMP = "FAILS the sanity check"


@dataclass(frozen=True)
class Figure:
    """One of the figures that a method gets.

    Attributes:
        title: how tables call it.
        low_is_good: whether less is better.
        reading: what it means, for people who have not met it.
    """

    title: str
    low_is_good: bool
    reading: str


FIGURES = {
    "pointing": Figure(
        "pointing game",
        False,
        "Share of images whose hottest pixel is tumor (Zhang et al. 2016), without the tolerance of 15 pixels that "
        "the paper allows. Where several pixels are equally hot, the share of them that are tumor counts. It asks one "
        "pixel and says nothing of the rest of the map.",
    ),
    "energy": Figure(
        "energy inside",
        False,
        "How much of all heat lies inside the true outline (Wang et al. 2020). A map spread evenly over the image "
        "gets the tumor's share of the area, a few percent, and an even disc twice as wide as the tumor 0.25: "
        "compare with the controls and not with 1.",
    ),
    "iou": Figure(
        "IoU at 0.5",
        False,
        "Overlap of the true mask with all pixels that are at least half as hot as the hottest: intersection over "
        "union.",
    ),
    "best_iou": Figure(
        "IoU at the best",
        False,
        "The same at that threshold, one for all images of a method, which gives the highest mean. It was chosen on "
        "these very images, so it is flattering, and its interval does not cover the choice.",
    ),
    "insertion": Figure(
        "insertion",
        False,
        "Begin with the blurred image, bring its pixels back, hottest first, and follow the probability of the "
        "predicted class: this is its mean on the way (Petsiuk et al. 2018). High: what the map calls important is "
        "soon enough. It asks what moves the network, not where the tumor is.",
    ),
    "deletion": Figure(
        "deletion",
        True,
        "The other way round: blur the pixels of the whole image, hottest first. Low is good: without what the map "
        "calls important the network soon loses its answer. Both depend on how robust the network is to blur, so they "
        "compare methods of one network, not networks.",
    ),
}
"""The figures of a method, in the order of tables."""


@dataclass(frozen=True)
class Advantage:
    """A method less the control that comes nearest to it or beats it, on the same images.

    Attributes:
        control: the name of that control.
        difference: paired, with its interval.
        better: whether the whole interval lies on the good side of 0.
    """

    control: str
    difference: Estimate
    better: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"control": self.control, "difference": self.difference.to_dict(), "better": self.better}


@dataclass(frozen=True, eq=False)
class Scores:
    """What was measured of one method or control, image by image.

    Attributes:
        values: figure to (N,) its values.
        threshold: that of ``"best_iou"``.
        blank: (N,) whether the map was 0 everywhere; such maps count, with 0 in all figures of place.
    """

    values: dict[str, Floats]
    threshold: float
    blank: Flags


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table.

    Attributes:
        name: of the method or control.
        title: how tables call it.
        shows: what is hot in its map.
        control: whether it is made without the network.
        scores: of each image.
        figures: each of `FIGURES`.
        per_class: class to its figures.
        over_control: for each figure of a method, how it compares with the best control.
        sanity: of a method; None for a control, which knows no weights.
    """

    name: str
    title: str
    shows: str
    control: bool
    scores: Scores
    figures: Figures
    per_class: dict[str, Figures]
    over_control: dict[str, Advantage] = field(default_factory=dict)
    sanity: Sanity | None = None

    @property
    def stamped(self) -> str:
        """The title, with the stamp where it is deserved."""
        return f"{self.title}: {STAMP}" if self.sanity and self.sanity.fails else self.title

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "title": self.title,
            "shows": self.shows,
            "control": self.control,
            "stamp": STAMP if self.sanity and self.sanity.fails else None,
            "figures": _plain(self.figures),
            "best_threshold": self.scores.threshold,
            "blank": int(self.scores.blank.sum()),
            "per_class": {label: _plain(figures) for label, figures in self.per_class.items()},
            "over_control": {key: advantage.to_dict() for key, advantage in self.over_control.items()},
            "sanity": self.sanity.to_dict() if self.sanity else None,
        }


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """All that is known about the maps of a run.

    Attributes:
        samples: the N images on which places were measured.
        predicted: the class named for each, which is also the one explained.
        probabilities: (N,) of that class, calibrated.
        hidden: (N,) the same when the whole image is blurred.
        tumor: (N,) share of each image that is tumor: what a map without any idea gets as pointing and energy.
        rows: methods, then controls.
        facts: run, data and settings, as plain data.
        caveats: what a reader must know before quoting a number.
    """

    samples: tuple[Sample, ...]
    predicted: tuple[str, ...]
    probabilities: Floats
    hidden: Floats
    tumor: Floats
    rows: tuple[Row, ...]
    facts: dict[str, Any]
    caveats: tuple[str, ...]

    @property
    def methods(self) -> list[Row]:
        """The rows that explain the network."""
        return [row for row in self.rows if not row.control]

    def to_dict(self) -> dict[str, Any]:
        """What explanation.json holds."""
        return {
            **self.facts,
            "caveats": list(self.caveats),
            "probability": {"whole": float(self.probabilities.mean()), "blurred": float(self.hidden.mean())},
            "tumor_share": float(self.tumor.mean()),
            "methods": {row.name: row.to_dict() for row in self.rows},
        }


def _plain(figures: Figures) -> dict[str, Any]:
    return {key: figure.to_dict() for key, figure in figures.items()}
