"""Claims + results of two protocols -> Reproduction: one table, and why the protocols differ."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tumorlens.evaluation.caveats import FEW
from tumorlens.experiments.reproduction.protocol_result import SUBSET_TITLES, ProtocolResult, ReproductionRow
from tumorlens.experiments.reproduction.published_methods import Claim, PublishedMethod, ablation_variant
from tumorlens.models import architecture_info
from tumorlens.stats import Estimate

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Hardware:
    """The machine of the trainings.

    Attributes:
        processor: model name.
        cores: number of logical CPU cores.
        graphics_card: name of the GPU; None for a training on the CPU.
        precision: of the training, such as ``"bfloat16"``.
    """

    processor: str
    cores: int
    graphics_card: str | None
    precision: str

    @property
    def device(self) -> str:
        """Name of the GPU, or else of the processor."""
        return self.graphics_card or self.processor


@dataclass(frozen=True)
class Reproduction:
    """The claims for a published method, its published protocol and a leak-free protocol.

    Attributes:
        method: the published method.
        published: result of the published protocol.
        leak_free: result of the leak-free protocol.
        claims: for the trained network, or for the most similar one.
        data: names of the datasets, joined by ``"+"``.
        images: number of images of both protocols.
        quick: whether this is a quick run.
        seed: of splits, training and bootstrap.
        n_resamples: of the bootstrap.
        hardware: of the trainings.
    """

    method: PublishedMethod
    published: ProtocolResult
    leak_free: ProtocolResult
    claims: tuple[Claim, ...]
    data: str
    images: int
    quick: bool
    seed: int
    n_resamples: int
    hardware: Hardware

    def __repr__(self) -> str:
        parts = [f"{self.images:,} images", f"{len(self.rows)} metrics by {len(self.protocols)} protocols"]
        return f"Reproduction({self.method.name} on {self.data}: {', '.join(parts)}, seed {self.seed})"

    @property
    def protocols(self) -> tuple[ProtocolResult, ProtocolResult]:
        """The published and the leak-free protocol."""
        return self.published, self.leak_free

    @property
    def rows(self) -> tuple[ReproductionRow, ...]:
        """The reported metrics of the method, and the accuracy of the published protocol on other images."""
        claimed = {claim.metric: claim.estimate for claim in self.claims}
        rows = [
            ReproductionRow(name, "", claimed.get(name), self.published.estimate(name), self.leak_free.estimate(name))
            for name in self.method.metrics
        ]
        first, *others = self.published.protocol.subsets
        rows += [
            ReproductionRow("accuracy", SUBSET_TITLES[subset], None, self.published.estimate("accuracy", subset), None)
            for subset in others
        ]
        for subset, leakage in self.published.leakage.items():
            if leakage and leakage.clean:
                images = f"{SUBSET_TITLES[subset]} without leakage" if subset != first else "images without leakage"
                clean, leak_free = leakage.clean.overall["accuracy"], self.leak_free.estimate("accuracy")
                rows.append(ReproductionRow("accuracy", images, None, clean, leak_free))
        return tuple(rows)

    @property
    def explanation(self) -> str:
        """The flaw of the published protocol and the leaked images, in one line."""
        counts = []
        for subset, leakage in self.published.leakage.items():
            if leakage:
                leaked = {"have a duplicate": leakage.duplicates, "show a patient": leakage.patients}
                words = " and ".join(f"{n:,} {what} in train" for what, n in leaked.items() if n)
                counts.append(
                    f" Of {leakage.images:,} {SUBSET_TITLES[subset]}, {words}; with the leak-free protocol none do."
                )
        return f"Flaw of the published protocol: {self.published.protocol.flaw}.{''.join(counts)}"

    @property
    def conclusion(self) -> str:
        """The difference between the two accuracies, in one or two sentences."""
        one, two = (result.primary.metrics.overall["accuracy"] for result in self.protocols)
        points = 100 * (one.value - two.value)
        if not points:
            return "Both protocols give the same accuracy."
        difference = (
            f"The published protocol gives an accuracy {abs(points):.1f} points {'higher' if points > 0 else 'lower'} "
            "than the leak-free one"
        )
        if one.low is None or one.high is None or two.low is None or two.high is None:
            return f"{difference}."
        if one.low > two.high or two.low > one.high:
            few = f", but there are only {two.units} {_units(two)}" if two.units < FEW else ""
            return f"{difference}; the intervals do not overlap{few}."
        return f"{difference}; the intervals overlap, so one run of this size does not show an effect of the protocol."

    @property
    def run_summary(self) -> str:
        """Network, training and hardware, in one line."""
        recipe, hardware = self.leak_free.recipe, self.hardware
        records = [result.run.record for result in self.protocols]
        epochs = " and ".join(str(record.epochs_trained) for record in records)
        minutes = " and ".join(f"{record.seconds['total'] / 60:.1f}" for record in records)
        trained = " and ".join(f"{record.counts['train'].images:,}" for record in records)
        initial = "from scratch" if records[1].pretrained == "none" else f"from {records[1].pretrained}"
        return (
            f"{'quick run: ' if self.quick else ''}{self.network}, {initial}, trained on {trained} images; "
            f"{epochs} of at most {recipe.epochs} epochs, {self.image_size} x {self.image_size} pixels, seed "
            f"{self.seed}; {minutes} minutes on {hardware.device}, {records[1].threads} of {hardware.cores} cores"
        )

    @property
    def caveats(self) -> tuple[str, ...]:
        """Limitations of the table, each one to three sentences."""
        caveats = [self.method.caveat]
        if self.claimed_network not in (None, self.network):
            caveats.append(f"The claim is for {self.claimed_network}; the trained network is {self.network}.")
        if self.quick_run_caveat:
            caveats.append(self.quick_run_caveat)
        caveats += [
            f"The network of the {result.protocol.title} protocol predicts one class for every image: it has not "
            "learned yet, and its metrics are meaningless. Train longer (--set epochs=...)."
            for result in self.protocols
            if (result.primary.metrics.confusion_matrix.sum(axis=0) > 0).sum() == 1
        ]
        caveats.append(
            "Intervals of the published protocol treat images as independent, as its authors do; they are too narrow "
            "where patients have several images or duplicates. Those of the leak-free protocol resample "
            f"{_sampling_units(self.leak_free)}."
        )
        caveats.append(
            "The two protocols are evaluated on different images, with one training each: the difference includes the "
            "variance of both. Repeat with other seeds before you quote it."
        )
        caveats += [text for text in self.leak_free.primary.caveats if text not in caveats]
        return tuple(caveats)

    @property
    def quick_run_caveat(self) -> str:
        """The limits of a quick run; empty for a full run."""
        if not self.quick:
            return ""
        return (
            f"Quick run: {self.images:,} images, at most {self.leak_free.recipe.epochs} epochs, {self.image_size} x "
            f"{self.image_size} pixels. It shows that both protocols run; its metrics do not represent the method."
        )

    @property
    def claimed_network(self) -> str | None:
        """The network of the claim; None where nothing is claimed."""
        return _network(self.claims[0].model, self.claims[0].variant) if self.claims else None

    @property
    def network(self) -> str:
        """The trained network, with its ablation variant where the claim has one."""
        recipe = self.leak_free.recipe
        return _network(recipe.model, ablation_variant(recipe) if self.claims and self.claims[0].variant else None)

    @property
    def image_size(self) -> int:
        """Side of the network's input, pixels."""
        recipe = self.leak_free.recipe
        return recipe.input.size or architecture_info(recipe.model).input_size

    def to_dict(self) -> dict[str, Any]:
        """The content of reproduction.json."""
        recipe = self.leak_free.recipe
        return {
            "schema_version": SCHEMA_VERSION,
            "method": self.method.name,
            "method_number": self.method.number,
            "model": recipe.model,
            "claimed_network": self.claimed_network,
            "data": self.data,
            "images": self.images,
            "quick": self.quick,
            "seed": self.seed,
            "n_resamples": self.n_resamples,
            "hardware": asdict(self.hardware),
            "recipe": recipe.name,
            "image_size": self.image_size,
            "epochs": recipe.epochs,
            "rows": [row.to_dict() for row in self.rows],
            "explanation": self.explanation,
            "conclusion": self.conclusion,
            "protocols": {result.protocol.name: result.to_dict() for result in self.protocols},
            "caveats": list(self.caveats),
        }


def _network(model: str, variant: str | None) -> str:
    """A network with its ablation variant."""
    parts = variant.partition(" + ")[2] if variant else ""
    return f"{model} with {parts}" if parts else model


def _units(estimate: Estimate) -> str:
    """The sampling units of an estimate, in the plural."""
    words = {"patient": "patients", "image": "distinct images"}
    return words.get(estimate.unit, "patients or distinct images")


def _sampling_units(result: ProtocolResult) -> str:
    unit = result.primary.metrics.overall["accuracy"].unit
    words = {"patient": "patients", "image": "images together with their duplicates"}
    return words.get(unit, "patients, and images of unknown patients together with their duplicates")
