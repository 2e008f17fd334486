"""Bias fields and ghosts have the requested strength, are smooth, and never exceed the maximum of the image."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.scan.artifacts import BIAS_FIELD_SHAPE, add_ghosts, apply_bias_field, bias_field, to_gray

ROWS, COLUMNS = np.mgrid[-1:1:101j, -1:1:101j]  # type: ignore[misc]
ELLIPSE = np.hypot(ROWS, COLUMNS) <= 1


@pytest.mark.parametrize("strength", [0.2, 0.8, 1.6])
def test_a_bias_field_has_the_requested_range_in_the_ellipse(strength: float) -> None:
    for seed in range(5):
        field = bias_field((101, 101), np.random.default_rng(seed).standard_normal(BIAS_FIELD_SHAPE), strength)
        assert field.dtype == np.float32
        assert field[ELLIPSE].max() - field[ELLIPSE].min() == pytest.approx(strength, rel=0.03)
        assert field[ELLIPSE].max() + field[ELLIPSE].min() == pytest.approx(2, abs=0.05)
        assert field.min() > 0


def test_a_bias_field_is_smooth_and_does_not_depend_on_the_image_size() -> None:
    coefficients = np.random.default_rng(0).standard_normal(BIAS_FIELD_SHAPE)
    field = bias_field((101, 101), coefficients, 0.8)
    assert np.abs(np.diff(field, axis=0))[:, 20:-20].max() < 0.1
    np.testing.assert_allclose(field[::2, ::4], bias_field((51, 26), coefficients, 0.8), atol=1e-5)


def test_a_bias_field_without_variation_is_one() -> None:
    np.testing.assert_allclose(bias_field((9, 12), np.zeros(BIAS_FIELD_SHAPE), 0.4), 1)
    np.testing.assert_allclose(bias_field((9, 12), np.ones(BIAS_FIELD_SHAPE), 0.0), 1)


def test_ghosts_are_shifted_copies_of_the_image_that_wrap_around() -> None:
    values = np.zeros((40, 20), np.float32)
    values[5, 3] = 200
    ghosts = add_ghosts(values, 0.25, 0.1, 0)
    assert {(int(r), int(c)): round(float(ghosts[r, c])) for r, c in np.argwhere(ghosts)} == {
        (5, 3): 200,
        (15, 3): 20,
        (35, 3): 20,
    }


def test_a_brighter_image_is_scaled_to_its_original_maximum() -> None:
    values = np.full((30, 30), 240, np.float32)
    assert add_ghosts(values, 0.3, 0.4, 1).max() == pytest.approx(240)
    field = bias_field((30, 30), np.eye(4), 1.2)
    shaded = apply_bias_field(values, field)
    assert shaded.max() == pytest.approx(240)
    np.testing.assert_allclose(shaded / shaded[3, 4], field / field[3, 4], rtol=1e-5)


def test_gray_values_are_rounded_and_clipped() -> None:
    assert to_gray(np.array([-3.0, 0.6, 254.4, 300.0])).tolist() == [0, 1, 254, 255]
