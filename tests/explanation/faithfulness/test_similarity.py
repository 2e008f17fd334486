"""Maps are alike in the order of their values, or in their structure."""

from __future__ import annotations

import numpy as np

from tumorlens.explanation.faithfulness.similarity import rank_correlations, similarities, with_strangers


def test_correlation_is_of_ranks_and_nought_for_constant_maps() -> None:
    ramp = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    others = np.concatenate([ramp**3, -ramp, np.ones_like(ramp)])
    np.testing.assert_allclose(rank_correlations(np.repeat(ramp, 3, 0), others), [1, -1, 0], atol=1e-12)


def test_similarity_is_one_for_equal_maps_and_less_for_others() -> None:
    noise = np.random.default_rng(0).random((2, 64, 64)).astype(np.float32)
    same, other = similarities(noise, noise), similarities(noise, noise[::-1].copy())
    np.testing.assert_allclose(same, 1, atol=1e-5)
    assert (other < 0.3).all()


def test_strangers_are_maps_of_other_patients_alone() -> None:
    ramp = np.arange(16, dtype=np.float32).reshape(4, 4)
    maps = np.stack([ramp, ramp, -ramp])
    np.testing.assert_allclose(with_strangers(maps, ["a", "a", "b"]), [-1, -1, -1], atol=1e-12)
    np.testing.assert_allclose(with_strangers(maps, ["a", "b", "c"]), [0, 0, -1], atol=1e-12)
    assert np.isnan(with_strangers(maps, ["a", "a", "a"])).all()
