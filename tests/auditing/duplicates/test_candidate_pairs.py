"""Alike images are paired once, in whatever turn; also when there are too many to compare each with each."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.auditing.duplicates import candidate_pairs as matching
from tumorlens.auditing.duplicates.candidate_pairs import CandidatePairs, candidate_pairs
from tumorlens.auditing.duplicates.perceptual_hash import Hashes, transformed, unit_vectors
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

LEAST = 0.82


def chance(count: int, random: np.random.Generator) -> Hashes:
    return random.choice(np.array([-1, 0, 1], dtype=np.int8), (count, 4, 256), p=[0.3, 0.4, 0.3])


def jittered(coded: Hashes, share: float, random: np.random.Generator) -> Hashes:
    other = (coded + 1 + random.integers(1, 3, coded.shape, dtype=np.int8)) % 3 - 1
    return np.where(random.random(coded.shape) < share, other, coded).astype(np.int8)


def copied(originals: Hashes, random: np.random.Generator) -> Hashes:
    """A copy of each, turned in every way in turn, a twentieth of the cells of another value."""
    turns = [transformed(one, i % len(DIHEDRAL_NAMES)) for i, one in enumerate(originals)]
    return jittered(np.stack(turns), 0.05, random)


def pairs(found: CandidatePairs) -> list[tuple[int, int]]:
    return list(zip(found.first.tolist(), found.second.tolist(), strict=True))


@pytest.fixture(params=["every pair", "sorted lists"])
def stage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "sorted lists":
        monkeypatch.setattr(matching, "EXACT_COMPARISON_LIMIT", 10)
    return str(request.param)


@pytest.mark.usefixtures("stage")
def test_of_2000_images_the_200_copies_are_found_each_once_with_their_turn() -> None:
    random = np.random.default_rng(0)
    originals = chance(1800, random)
    codes = np.concatenate([originals, copied(originals[:200], random)])
    found = candidate_pairs(codes, at_least=LEAST)
    assert pairs(found) == [(i, 1800 + i) for i in range(200)]
    for first, second, view, turn, similarity in zip(
        codes[found.first], codes[found.second], found.view, found.transform, found.similarity, strict=True
    ):
        assert similarity == pytest.approx(float(unit_vectors(first[view]) @ unit_vectors(transformed(second[view], turn))), abs=1e-5)


@pytest.mark.usefixtures("stage")
def test_copies_are_found_in_another_set() -> None:
    random = np.random.default_rng(1)
    codes = chance(300, random)
    others = np.concatenate([chance(50, random), copied(codes[100:200], random)])
    assert pairs(candidate_pairs(codes, others, at_least=LEAST)) == [(100 + i, 50 + i) for i in range(100)]


@pytest.mark.usefixtures("stage")
def test_images_below_the_limit_are_no_pair_even_where_most_cells_are_always_the_same() -> None:
    random = np.random.default_rng(2)
    alike = jittered(np.repeat(chance(1, random), 200, axis=0), 0.25, random)  # of one another, 0.4 on average
    assert len(candidate_pairs(alike, at_least=LEAST)) == 0


@pytest.mark.usefixtures("stage")
def test_a_hundred_copies_of_one_image_are_connected() -> None:
    random = np.random.default_rng(3)
    many = jittered(np.repeat(chance(1, random), 100, axis=0), 0.02, random)
    reached = {0}
    for first, second in pairs(candidate_pairs(np.concatenate([many, chance(100, random)]), at_least=LEAST)):
        assert max(first, second) < 100
        reached |= {first, second}
    assert reached == set(range(100))


def test_sorted_lists_report_the_same_view_turn_and_similarity(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    codes = chance(400, random)
    codes[200:] = copied(codes[:200], random)
    every = candidate_pairs(codes, at_least=LEAST)
    monkeypatch.setattr(matching, "EXACT_COMPARISON_LIMIT", 10)
    listed = candidate_pairs(codes, at_least=LEAST)
    for name in ("first", "second", "view", "transform"):
        assert (getattr(every, name) == getattr(listed, name)).all()
    np.testing.assert_allclose(every.similarity, listed.similarity, atol=1e-5)


def test_progress_is_told_to_the_end(stage: str) -> None:
    seen: list[tuple[int, int]] = []
    candidate_pairs(chance(30, np.random.default_rng(5)), at_least=LEAST, progress=lambda *now: seen.append(now))
    assert seen[-1][0] == seen[-1][1] == len(seen), stage
