"""The page of a comparison holds what the terminal prints, and what it does not establish."""

from __future__ import annotations

from dataclasses import replace

from tests.fixtures.html import MALICIOUS, Page, footer_facts
from tumorlens.comparison import Comparison, compare_predictions
from tumorlens.comparison.comparison_facts import ComparedRunFacts, ComparisonFacts
from tumorlens.comparison.comparison_page import comparison_page
from tumorlens.stats import ClusterBootstrap

RUN = ComparedRunFacts(model="mini_resnet", recipe="demo", training_seed=1, weights="ab" * 32, split_hash="cd" * 32)


def comparison(names: tuple[str, str] = ("one", "two")) -> Comparison:
    """Two runs on twenty images of ten patients; the second is correct more often."""
    labels = ["glioma", "no_tumor"] * 10
    wrong = ["no_tumor", "glioma"] * 10
    units = [str(i // 2) for i in range(20)]
    found = compare_predictions(
        labels, wrong[:9] + labels[9:], labels, ClusterBootstrap(units, "patient", 200), names=names
    )
    return replace(
        found,
        first=replace(found.first, facts=RUN),
        second=replace(found.second, facts=RUN),
        caveats=("Each run is one training.",),
        facts=ComparisonFacts(data="mine", data_fingerprint="ef" * 16, subset="test", n_resamples=200, seed=4),
    )


def test_both_runs_their_difference_and_the_caveats_are_on_the_page() -> None:
    text = Page(comparison_page(comparison())).text
    for word in ("mine, test: 20 images, 10 patients", "+45.0 points (", "p = ", "mini_resnet", "one training"):
        assert word in text
    assert comparison().conclusion in text
    assert "This does not establish: That one method is better" in text


def test_the_footer_names_seed_and_data() -> None:
    record = {"started": "2026-11-28T21:20:59+00:00", "command": ["tumorlens", "compare"], "seed": 99}
    facts = footer_facts(comparison_page(comparison(), record))
    assert list(facts) == ["Date", "tumorlens", "Command", "Seed", "Data fingerprint"]
    assert (facts["Seed"], facts["Data fingerprint"]) == ("4", "ef" * 16)


def test_the_page_is_the_same_every_time_and_shows_a_malicious_name_as_text() -> None:
    page = comparison_page(comparison((MALICIOUS, "two")))
    assert page == comparison_page(comparison((MALICIOUS, "two")))
    assert "script" not in {tag for tag, _ in Page(page).tags}
