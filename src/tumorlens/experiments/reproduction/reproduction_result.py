"""Two measured protocols -> Reproduction: what is claimed, what each of them gives, and why they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tumorlens.evaluation.caveats import FEW
from tumorlens.experiments.reproduction.protocol_result import PARTS, ProtocolResult, ReproductionRow
from tumorlens.experiments.reproduction.published_methods import Claim, PublishedMethod, variant
from tumorlens.models import architecture_info
from tumorlens.stats import Estimate


@dataclass(frozen=True)
class Reproduction:
    """Claimed, published protocol, honest protocol.

    Attributes:
        system: which.
        published: run.
        honest: run.
        claims: those of the network that was run, or of what comes nearest to it.
        facts: data, seed, quick, machine: plain data.
    """

    system: PublishedMethod
    published: ProtocolResult
    honest: ProtocolResult
    claims: tuple[Claim, ...]
    facts: dict[str, Any]

    @property
    def rows(self) -> tuple[ReproductionRow, ...]:
        """The table: each figure of the system, and what else the published protocol was measured on."""
        claimed = {claim.figure: claim.estimate for claim in self.claims}
        rows = [
            ReproductionRow(name, "", claimed.get(name), self.published.figure(name), self.honest.figure(name))
            for name in self.system.figures
        ]
        first, *others = self.published.protocol.parts
        rows += [
            ReproductionRow("accuracy", PARTS[part], None, self.published.figure("accuracy", part), None)
            for part in others
        ]
        for part, apart in self.published.apart.items():
            of = (f"{PARTS[part]}, " if part != first else "") + "where nothing is known from training"
            if apart and apart.clean:
                rows.append(
                    ReproductionRow(
                        "accuracy", of, None, apart.clean.overall["accuracy"], self.honest.figure("accuracy")
                    )
                )
        return tuple(rows)

    @property
    def why(self) -> str:
        """What separates the two protocols, in one line."""
        counts = []
        for part, apart in self.published.apart.items():
            if apart:
                ties = {"have a copy": apart.duplicates, "show a patient who is": apart.patients}
                told = " and ".join(f"{n:,} {what} in training" for what, n in ties.items() if n)
                counts.append(f" Of {apart.of:,} images in {PARTS[part]}, {told}; with the honest protocol none.")
        return f"What separates them: as published, {self.published.protocol.flaw}.{''.join(counts)}"

    @property
    def reading(self) -> str:
        """What the two accuracies say of each other, in one sentence or two."""
        one, two = (side.headline.metrics.overall["accuracy"] for side in (self.published, self.honest))
        points = 100 * (one.value - two.value)
        if not points:
            return "Both protocols read the same."
        told = f"The published protocol reads {abs(points):.1f} points {'higher' if points > 0 else 'lower'} than the"
        if one.low is None or one.high is None or two.low is None or two.high is None:
            return f"{told} honest one."
        if one.low > two.high or two.low > one.high:
            few = f", but {two.units} {_units(two)} are few" if two.units < FEW else ""
            return f"{told} honest one; the intervals are apart{few}."
        return (
            f"{told} honest one; the intervals overlap, so one run of this size does not show how much of it is the "
            "protocol's doing."
        )

    @property
    def did(self) -> str:
        """What was run, in one line."""
        recipe, machine, sides = self.honest.recipe, self.facts["machine"], (self.published, self.honest)
        records = [side.run.record for side in sides]
        epochs = " and ".join(str(record.epochs_trained) for record in records)
        minutes = " and ".join(f"{record.seconds['total'] / 60:.1f}" for record in records)
        trained = " and ".join(f"{record.counts['train'].images:,}" for record in records)
        initial = "from scratch" if records[1].pretrained == "none" else f"from {records[1].pretrained}"
        device = machine["graphics_card"] or machine["processor"]
        return (
            f"{'quick run: ' if self.facts['quick'] else ''}{self.ran}, {initial}, trained on {trained} images; "
            f"{epochs} of at most {recipe.epochs} epochs, {self.side} x {self.side} pixels, seed {self.facts['seed']}; "
            f"{minutes} minutes on {device}, {records[1].threads} of {machine['cores']} cores"
        )

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader must know before quoting the table, each one to three sentences."""
        found = [self.system.remark]
        if self.claimed_for not in (None, self.ran):
            found.append(f"The claim is for {self.claimed_for}; what was run is {self.ran}.")
        if self.budget:
            found.append(self.budget)
        found += [
            f"The network of the {side.protocol.name} protocol gave every image one class: it has learned nothing "
            "yet, and its figures say nothing. Train longer (--set epochs=...)."
            for side in (self.published, self.honest)
            if (side.headline.metrics.confusion_matrix.sum(axis=0) > 0).sum() == 1
        ]
        found.append(
            "Intervals of the published protocol take every image for independent, as its authors' figures do; where "
            "images of one patient or copies recur they are too narrow. Those of the honest protocol resample "
            f"{_resampled(self.honest)}."
        )
        found.append(
            "The two protocols are measured on different images, and each is one training: the luck of both is in "
            "the difference. Repeat with other seeds before a number is made of it."
        )
        found += [text for text in self.honest.headline.caveats if text not in found]
        return tuple(found)

    @property
    def budget(self) -> str:
        """What a quick run cut; "" for one that cut nothing."""
        if not self.facts["quick"]:
            return ""
        return (
            f"Quick run: {self.facts['images']:,} images, at most {self.honest.recipe.epochs} epochs, {self.side} x "
            f"{self.side} pixels. It shows that both protocols run; no figure here stands for the method."
        )

    @property
    def claimed_for(self) -> str | None:
        """The network the claim is about; None where nothing is claimed."""
        return _called(self.claims[0].of, self.claims[0].variant) if self.claims else None

    @property
    def ran(self) -> str:
        """The network that was run, named likewise."""
        recipe = self.honest.recipe
        return _called(recipe.model, variant(recipe) if self.claims and self.claims[0].variant else None)

    @property
    def side(self) -> int:
        """Of the network's input, pixels."""
        recipe = self.honest.recipe
        return recipe.input.size or architecture_info(recipe.model).input_size

    def to_dict(self) -> dict[str, Any]:
        """What reproduction.json holds."""
        recipe = self.honest.recipe
        return {
            "system": self.system.number,
            "name": self.system.name,
            "model": recipe.model,
            "claimed_for": self.claimed_for,
            **self.facts,
            "recipe": recipe.name,
            "image_size": self.side,
            "epochs": recipe.epochs,
            "rows": [row.to_dict() for row in self.rows],
            "why": self.why,
            "reading": self.reading,
            "protocols": {side.protocol.name: side.to_dict() for side in (self.published, self.honest)},
            "caveats": list(self.caveats),
        }


def _called(model: str, which: str | None) -> str:
    """A network, and which of its parts are switched on where that is the question."""
    parts = which.partition(" + ")[2] if which else ""
    return f"{model} with {parts}" if parts else model


def _units(estimate: Estimate) -> str:
    """What an estimate was resampled by, in the plural."""
    words = {"patient": "patients", "image": "different images"}
    return words.get(estimate.unit, "patients or different images")


def _resampled(side: ProtocolResult) -> str:
    unit = side.headline.metrics.overall["accuracy"].unit
    words = {"patient": "patients", "image": "images, each with its copies"}
    return words.get(unit, "patients, and images of unknown ones with their copies")
