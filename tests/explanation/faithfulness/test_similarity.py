"""Maps are similar in the order of their values, or in their structure."""

from __future__ import annotations

import numpy as np

from tumorlens.explanation.faithfulness.similarity import (
    correlations_between_units,
    rank_correlations,
    structural_similarities,
)


def test_correlation_uses_ranks_and_is_zero_for_constant_maps() -> None:
    ramp = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    others = np.concatenate([ramp**3, -ramp, np.ones_like(ramp)])
    np.testing.assert_allclose(rank_correlations(np.repeat(ramp, 3, 0), others), [1, -1, 0], atol=1e-12)


def test_structural_similarity_is_one_for_equal_maps_and_less_for_others() -> None:
    noise = np.random.default_rng(0).random((2, 64, 64)).astype(np.float32)
    same, other = structural_similarities(noise, noise), structural_similarities(noise, noise[::-1].copy())
    np.testing.assert_allclose(same, 1, atol=1e-5)
    assert (other < 0.3).all()


def test_maps_are_correlated_with_those_of_other_patients_only() -> None:
    ramp = np.arange(16, dtype=np.float32).reshape(4, 4)
    maps = np.stack([ramp, ramp, -ramp])
    np.testing.assert_allclose(correlations_between_units(maps, ["a", "a", "b"]), [-1, -1, -1], atol=1e-12)
    np.testing.assert_allclose(correlations_between_units(maps, ["a", "b", "c"]), [0, 0, -1], atol=1e-12)
    assert np.isnan(correlations_between_units(maps, ["a", "a", "a"])).all()
