"""Similar images are paired once, in any transform; also when there are too many to compare every pair."""

from __future__ import annotations

import numpy as np
import pytest

from tumorlens.auditing.duplicates import candidate_pairs as matching
from tumorlens.auditing.duplicates.candidate_pairs import CandidatePairs, candidate_pairs
from tumorlens.auditing.duplicates.perceptual_hash import Hashes, transformed, unit_vectors
from tumorlens.scan.dihedral import DIHEDRAL_NAMES

LEAST = 0.82


def random_hashes(count: int, random: np.random.Generator) -> Hashes:
    return random.choice(np.array([-1, 0, 1], dtype=np.int8), (count, 4, 256), p=[0.3, 0.4, 0.3])


def jittered(hashes: Hashes, share: float, random: np.random.Generator) -> Hashes:
    other = (hashes + 1 + random.integers(1, 3, hashes.shape, dtype=np.int8)) % 3 - 1
    return np.where(random.random(hashes.shape) < share, other, hashes).astype(np.int8)


def copied(originals: Hashes, random: np.random.Generator) -> Hashes:
    """A copy of each, with one of the eight transforms, a twentieth of the cells of another value."""
    copies = [transformed(one, i % len(DIHEDRAL_NAMES)) for i, one in enumerate(originals)]
    return jittered(np.stack(copies), 0.05, random)


def pairs(found: CandidatePairs) -> list[tuple[int, int]]:
    return list(zip(found.first.tolist(), found.second.tolist(), strict=True))


@pytest.fixture(params=["every pair", "sorted lists"])
def stage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "sorted lists":
        monkeypatch.setattr(matching, "EXACT_COMPARISON_LIMIT", 10)
    return str(request.param)


@pytest.mark.usefixtures("stage")
def test_of_2000_images_the_200_copies_are_found_once_each_with_their_transform() -> None:
    random = np.random.default_rng(0)
    originals = random_hashes(1800, random)
    hashes = np.concatenate([originals, copied(originals[:200], random)])
    found = candidate_pairs(hashes, at_least=LEAST)
    assert pairs(found) == [(i, 1800 + i) for i in range(200)]
    for first, second, view, transform, similarity in zip(
        hashes[found.first], hashes[found.second], found.view, found.transform, found.similarity, strict=True
    ):
        assert similarity == pytest.approx(
            float(unit_vectors(first[view]) @ unit_vectors(transformed(second[view], transform))), abs=1e-5
        )


@pytest.mark.usefixtures("stage")
def test_copies_are_found_in_another_set() -> None:
    random = np.random.default_rng(1)
    hashes = random_hashes(300, random)
    others = np.concatenate([random_hashes(50, random), copied(hashes[100:200], random)])
    assert pairs(candidate_pairs(hashes, others, at_least=LEAST)) == [(100 + i, 50 + i) for i in range(100)]


@pytest.mark.usefixtures("stage")
def test_images_below_the_threshold_are_no_pair_even_if_most_cells_are_constant() -> None:
    random = np.random.default_rng(2)
    similar = jittered(np.repeat(random_hashes(1, random), 200, axis=0), 0.25, random)  # of one another, 0.4 on average
    assert len(candidate_pairs(similar, at_least=LEAST)) == 0


@pytest.mark.usefixtures("stage")
def test_a_hundred_copies_of_one_image_are_connected() -> None:
    random = np.random.default_rng(3)
    many = jittered(np.repeat(random_hashes(1, random), 100, axis=0), 0.02, random)
    reached = {0}
    for first, second in pairs(candidate_pairs(np.concatenate([many, random_hashes(100, random)]), at_least=LEAST)):
        assert max(first, second) < 100
        reached |= {first, second}
    assert reached == set(range(100))


def test_sorted_lists_report_the_same_view_transform_and_similarity(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    hashes = random_hashes(400, random)
    hashes[200:] = copied(hashes[:200], random)
    every = candidate_pairs(hashes, at_least=LEAST)
    monkeypatch.setattr(matching, "EXACT_COMPARISON_LIMIT", 10)
    listed = candidate_pairs(hashes, at_least=LEAST)
    for name in ("first", "second", "view", "transform"):
        assert (getattr(every, name) == getattr(listed, name)).all()
    np.testing.assert_allclose(every.similarity, listed.similarity, atol=1e-5)


def test_progress_is_reported_to_the_end(stage: str) -> None:
    seen: list[tuple[str, int, int | None]] = []
    candidate_pairs(random_hashes(30, np.random.default_rng(5)), at_least=LEAST, progress=lambda *now: seen.append(now))
    assert seen[-1][1] == seen[-1][2] == len(seen), stage
