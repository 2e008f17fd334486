"""The difference between two protocols is stated with its size, its direction and what the intervals allow to say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tumorlens.experiments.reproduction.published_methods import find_published_method
from tumorlens.experiments.reproduction.reproduction_result import Hardware, Reproduction
from tumorlens.stats import Estimate
from tumorlens.training import load_recipe

METHOD = find_published_method("brainmrnet")
Bounds = tuple[float, float | None, float | None]


def leaked(duplicates: int, patients: int, clean: float | None = None) -> Any:
    """The leaked images of 40, and the accuracy of the others."""
    metrics = None if clean is None else SimpleNamespace(overall={"accuracy": estimate((clean, None, None))})
    return SimpleNamespace(images=40, duplicates=duplicates, patients=patients, clean=metrics)


def estimate(bounds: Bounds, unit: str = "patient", units: int = 60) -> Estimate:
    return Estimate(*bounds, n=2 * units, units=units, unit=unit, method="bootstrap" if bounds[1] else "none")  # type: ignore[arg-type]


def result(name: str, accuracy: Estimate, **changed: Any) -> Any:
    """What one protocol gave; its network predicts both of two classes."""
    protocol = SimpleNamespace(
        name=name, title=name.replace("_", "-"), subsets=changed.pop("subsets", ("test",)), flaw="a flaw"
    )
    record = SimpleNamespace(
        epochs_trained=3,
        seconds={"total": 90.0},
        counts={"train": SimpleNamespace(images=1200)},
        pretrained=changed.pop("pretrained", "none"),
        threads=2,
    )
    confusion_matrix = np.array([[5, 1], [1, 5]])
    primary = SimpleNamespace(
        metrics=SimpleNamespace(overall={"accuracy": accuracy}, confusion_matrix=confusion_matrix),
        caveats=("few patients",),
    )
    return SimpleNamespace(
        protocol=protocol,
        run=SimpleNamespace(record=record),
        recipe=load_recipe("brainmrnet"),
        primary=primary,
        leakage=changed.pop("leakage", {}),
        estimate=lambda metric, _=None: accuracy if metric == "accuracy" else None,
    )


def reproduction(published: Estimate, leak_free: Estimate, **changed: Any) -> Reproduction:
    names = ("leakage", "subsets")
    one = result("published", published, **{key: changed.pop(key) for key in names if key in changed})
    two = result("leak_free", leak_free, pretrained=changed.pop("pretrained", "none"))
    hardware = Hardware("a processor", 4, changed.pop("card", None), "float32")
    fields = {"claims": (), "quick": False} | changed
    return Reproduction(
        METHOD, one, two, data="navoneel", images=2000, seed=1, n_resamples=100, hardware=hardware, **fields
    )  # type: ignore[arg-type]


APART = "the intervals do not overlap."
OVERLAP = "the intervals overlap, so one run of this size does not show an effect of the protocol."


@pytest.mark.parametrize(
    ("published", "leak_free", "expected"),
    [
        ((0.9, 0.8, 0.95), (0.9, 0.7, 0.99), "Both protocols give the same accuracy."),
        ((0.9, None, None), (0.8, 0.7, 0.9), "an accuracy 10.0 points higher than the leak-free one."),
        ((0.9, 0.8, 0.95), (0.8, None, None), "an accuracy 10.0 points higher than the leak-free one."),
        ((0.9, 0.8, 0.95), (0.8, 0.7, 0.9), f"10.0 points higher than the leak-free one; {OVERLAP}"),
        (
            (0.9, 0.85, 0.95),
            (0.7, 0.6, 0.8),
            f"20.0 points higher than the leak-free one; {APART}",
        ),
        ((0.7, 0.6, 0.8), (0.9, 0.85, 0.95), f"20.0 points lower than the leak-free one; {APART}"),
    ],
)
def test_the_conclusion_claims_an_effect_only_where_intervals_are_apart(
    published: Bounds, leak_free: Bounds, expected: str
) -> None:
    assert reproduction(estimate(published), estimate(leak_free)).conclusion.endswith(expected)


@pytest.mark.parametrize(
    ("unit", "words"),
    [("patient", "patients"), ("image", "distinct images"), ("mixed", "patients or distinct images")],
)
def test_an_effect_on_few_patients_is_qualified(unit: str, words: str) -> None:
    few = reproduction(estimate((0.9, 0.85, 0.95)), estimate((0.7, 0.6, 0.8), unit, 12))
    assert few.conclusion.endswith(f"the intervals do not overlap, but there are only 12 {words}.")


def test_the_explanation_counts_only_what_leaks() -> None:
    accuracy = estimate((0.9, 0.8, 0.95))
    for leak, words in (
        (leaked(5, 0), "5 have a duplicate in train"),
        (leaked(0, 7), "7 show a patient in train"),
        (leaked(5, 7), "5 have a duplicate in train and 7 show a patient in train"),
    ):
        found = reproduction(accuracy, accuracy, leakage={"test": leak})
        assert f"Of 40 test images, {words}; with the leak-free protocol none do." in found.explanation
    assert reproduction(accuracy, accuracy, leakage={"test": None}).explanation.endswith("protocol: a flaw.")


def test_the_table_has_rows_for_other_images_and_for_those_without_leakage() -> None:
    accuracy, leakage = estimate((0.9, 0.8, 0.95)), {"train": leaked(3, 0, 0.6), "test": leaked(3, 0, 0.5)}
    found = reproduction(accuracy, accuracy, subsets=("train", "test"), leakage=leakage)
    labels = [row.label for row in found.rows]
    assert labels[-3:] == [
        "accuracy, test images",
        "accuracy, images without leakage",
        "accuracy, test images without leakage",
    ]
    assert [row.published.value for row in found.rows[-2:] if row.published] == [0.6, 0.5]
    everything = reproduction(accuracy, accuracy, leakage={"test": leaked(40, 0)})
    assert not any("without leakage" in row.label for row in everything.rows)


def test_the_summary_names_where_the_weights_began_and_the_machine() -> None:
    accuracy = estimate((0.9, 0.8, 0.95))
    plain = reproduction(accuracy, accuracy).run_summary
    assert plain.startswith("brainmrnet, from scratch, trained on 1,200 and 1,200 images; 3 and 3 of at most ")
    assert plain.endswith("1.5 and 1.5 minutes on a processor, 2 of 4 cores")
    other = reproduction(accuracy, accuracy, quick=True, pretrained="ImageNet", card="a graphics card").run_summary
    assert other.startswith("quick run: brainmrnet, from ImageNet,")
    assert "minutes on a graphics card" in other


def test_caveats_name_the_units_of_the_intervals_and_a_claim_for_another_network() -> None:
    for unit, words in (
        ("patient", "resample patients."),
        ("image", "resample images together with their duplicates."),
        ("mixed", "resample patients, and images of unknown patients together with their duplicates."),
    ):
        accuracy = estimate((0.9, 0.8, 0.95), unit)
        assert any(text.endswith(words) for text in reproduction(accuracy, accuracy).caveats)
    accuracy = estimate((0.9, 0.8, 0.95))
    assert not any("The claim is for" in text for text in reproduction(accuracy, accuracy).caveats)
    assert not any(
        "The claim is for" in text for text in reproduction(accuracy, accuracy, claims=METHOD.claims).caveats
    )
    transformer = find_published_method(5).claims
    found = reproduction(accuracy, accuracy, claims=transformer)
    assert f"The claim is for {found.claimed_network}; the trained network is {found.network}." in found.caveats
    assert found.caveats[-1] == "few patients"
