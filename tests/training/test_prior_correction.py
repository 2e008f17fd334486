"""How readily no tumor is named is settled by the validation part, and nothing else of a run moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fixtures.runs import weights
from tumorlens._arrays import Floats, Ints
from tumorlens.datasets import Table
from tumorlens.errors import RecipeError, SplitError
from tumorlens.training import load_recipe, train
from tumorlens.training.checks import check_fit
from tumorlens.training.prior_correction import fit_shift

SMALL = ("input.size=48", "epochs=2", "batch_size=4")


def _drawn(count: int, seed: int = 0) -> tuple[Floats, Ints]:
    """Logits that mean what they say, and labels drawn from them."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (count, 4))
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return logits, np.array([random.choice(4, p=row) for row in chances])


@pytest.mark.parametrize("moved", [-2.0, 0.0, 1.5])
def test_what_a_class_was_moved_by_is_taken_back(moved: float) -> None:
    logits, labels = _drawn(4000)
    logits[:, 3] += moved
    assert fit_shift(logits, labels, 3, units=4000) == pytest.approx(-moved, abs=0.15)


def test_it_does_not_take_an_overconfident_network_for_one_that_was_moved() -> None:
    logits, labels = _drawn(4000)
    assert fit_shift(3 * logits, labels, 3, units=4000) == pytest.approx(0, abs=0.3)


def test_few_patients_move_it_less_than_many() -> None:
    logits, labels = _drawn(400)
    logits[:, 3] += 2
    few, many = (fit_shift(logits, labels, 3, units) for units in (2, 400))
    assert many < -1.5
    assert many < few < 0


def test_it_is_bounded_where_every_label_is_right() -> None:
    logits = 8.0 * np.eye(4)[np.array([0, 1, 2, 3] * 5)]
    assert abs(fit_shift(logits, logits.argmax(1), 3, units=20)) < 1


def test_a_run_moves_one_number_and_says_by_how_much(phantom_table: Table, tmp_path: Path) -> None:
    plain = train(phantom_table, load_recipe("demo", SMALL), tmp_path / "plain")
    settled = train(phantom_table, load_recipe("demo", [*SMALL, "prior_correction=true"]), tmp_path / "settled")
    before, after = weights(plain), weights(settled)
    assert [key for key in before if not torch.equal(before[key], after[key])] == ["head.bias"]
    healthy = phantom_table.classes.index("no_tumor")
    moved = after["head.bias"] - before["head.bias"]
    assert moved[healthy] == pytest.approx(settled.record.settled, abs=1e-5)
    assert moved[healthy] != 0
    assert moved.count_nonzero() == 1
    assert "settled" not in plain.record


def test_what_cannot_be_settled_is_refused(phantom_table: Table) -> None:
    asked = load_recipe("demo", [*SMALL, "prior_correction=true"])
    without = replace(
        phantom_table,
        samples=tuple(s for s in phantom_table.samples if s.label != "no_tumor"),
        classes=tuple(name for name in phantom_table.classes if name != "no_tumor"),
    )
    with pytest.raises(
        RecipeError,
        match=r"prior_correction is true, but .* no class for healthy images .*; set prior_correction=false",
    ):
        check_fit(without, asked)
    unseen = replace(phantom_table, samples=tuple(s for s in phantom_table.samples if s.split != "val"))
    with pytest.raises(SplitError, match=r"no sample is in split 'val', which settle needs"):
        check_fit(unseen, load_recipe("demo", [*SMALL, "prior_correction=true", "stop.keep=last"]))
    with pytest.raises(
        RecipeError, match=r"prior_correction is true, but efficient_mtnet_s does not end with one linear layer"
    ):
        check_fit(phantom_table, load_recipe("efficient_mtnet_s", ["prior_correction=true"]))
