"""Prior correction fits the bias of the healthy class on validation data and changes no other weight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fixtures.refusal import assert_refused
from tests.fixtures.runs import weights
from tumorlens._arrays import Floats, Ints
from tumorlens.datasets import Table
from tumorlens.errors import RecipeError, SplitError
from tumorlens.training import load_recipe, train
from tumorlens.training.checks import check_fit
from tumorlens.training.prior_correction import fit_shift

SMALL = ("input.size=48", "epochs=2", "batch_size=4")


def _sampled(count: int, seed: int = 0) -> tuple[Floats, Ints]:
    """Calibrated logits, and labels sampled from them."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (count, 4))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return logits, np.array([random.choice(4, p=row) for row in probabilities])


@pytest.mark.parametrize("bias", [-2.0, 0.0, 1.5])
def test_the_fitted_shift_corrects_the_bias_of_a_class(bias: float) -> None:
    logits, labels = _sampled(4000)
    logits[:, 3] += bias
    assert fit_shift(logits, labels, 3, units=4000) == pytest.approx(-bias, abs=0.15)


def test_overconfidence_alone_is_not_corrected() -> None:
    logits, labels = _sampled(4000)
    assert fit_shift(3 * logits, labels, 3, units=4000) == pytest.approx(0, abs=0.3)


def test_the_shift_is_smaller_with_fewer_patients() -> None:
    logits, labels = _sampled(400)
    logits[:, 3] += 2
    few, many = (fit_shift(logits, labels, 3, units) for units in (2, 400))
    assert many < -1.5
    assert many < few < 0


def test_the_shift_is_bounded_if_every_prediction_is_correct() -> None:
    logits = 8.0 * np.eye(4)[np.array([0, 1, 2, 3] * 5)]
    assert abs(fit_shift(logits, logits.argmax(1), 3, units=20)) < 1


def test_training_shifts_one_bias_and_records_by_how_much(phantom_table: Table, tmp_path: Path) -> None:
    plain = train(phantom_table, load_recipe("demo", SMALL), tmp_path / "plain")
    corrected = train(phantom_table, load_recipe("demo", [*SMALL, "prior_correction=true"]), tmp_path / "corrected")
    before, after = weights(plain), weights(corrected)
    assert [key for key in before if not torch.equal(before[key], after[key])] == ["head.bias"]
    healthy = phantom_table.classes.index("no_tumor")
    shift = after["head.bias"] - before["head.bias"]
    assert shift[healthy] == pytest.approx(corrected.record.prior_correction, abs=1e-5)
    assert shift[healthy] != 0
    assert shift.count_nonzero() == 1
    assert plain.record.prior_correction is None


def test_prior_correction_without_a_healthy_class_or_validation_data_is_refused(phantom_table: Table) -> None:
    recipe = load_recipe("demo", [*SMALL, "prior_correction=true"])
    without_healthy = replace(
        phantom_table,
        samples=tuple(s for s in phantom_table.samples if s.label != "no_tumor"),
        classes=tuple(name for name in phantom_table.classes if name != "no_tumor"),
    )
    with assert_refused(
        RecipeError,
        found="prior_correction is true, but .* no class for healthy images",
        advice="^set prior_correction=false",
    ):
        check_fit(without_healthy, recipe)
    without_val = replace(phantom_table, samples=tuple(s for s in phantom_table.samples if s.split != "val"))
    with assert_refused(SplitError, found="no image is in subset 'val'", expected="prior_correction"):
        check_fit(without_val, load_recipe("demo", [*SMALL, "prior_correction=true", "stop.keep=last"]))
    with assert_refused(
        RecipeError, found="prior_correction is true, but efficient_mtnet_s does not end with one linear layer"
    ):
        check_fit(phantom_table, load_recipe("efficient_mtnet_s", ["prior_correction=true"]))
