"""A map that does not notice that the network has forgotten everything fails; one that notices passes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from tumorlens.evaluation import gray_slice
from tumorlens.evaluation.subset import bootstrap_of
from tumorlens.explanation.faithfulness import Sanity, check_sanity
from tumorlens.explanation.faithfulness import sanity_checks as sanity
from tumorlens.models import Pipeline
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Run


def with_maps(run: Run, monkeypatch: pytest.MonkeyPatch, draw: object, methods: Sequence[str] = ("made",)) -> Sanity:
    """The test of a method that draws as it is told."""

    def maps(pipeline: Pipeline, images: Sequence[np.ndarray], targets: Sequence[int], method: str) -> list:
        return [draw(pipeline, image).astype(np.float32) for image in images]  # type: ignore[operator]

    monkeypatch.setattr(sanity, "maps", maps)
    images, bootstrap = material(run)
    pipeline = run.pipeline()
    return check_sanity(pipeline, run.spec.network, images, bootstrap, methods)[methods[0]]


def material(run: Run) -> tuple[list[np.ndarray], ClusterBootstrap]:
    part = run.table().subset("test")
    return [gray_slice(sample.image) for sample in part.samples], bootstrap_of(part, n_resamples=100)


def from_weights(pipeline: Pipeline, image: np.ndarray) -> np.ndarray:
    """Noise that every weight has a share in."""
    total = float(sum(p.detach().double().abs().sum() for p in pipeline.network.parameters()))
    return np.random.default_rng(int(total * 1e3)).random(image.shape)


def test_a_map_of_the_image_alone_fails(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_maps(finished_run, monkeypatch, lambda _, image: image / 255)
    assert found.fails
    assert found.rank.value == pytest.approx(1)
    assert found.ssim.value == pytest.approx(1)
    assert not any(stage.reaches for stage in found.stages)
    assert found.verdict.startswith("FAILS the sanity check: with all weights random its maps still correlate 1.000")
    assert "Maps of different patients" not in found.verdict


def test_a_map_that_is_the_same_everywhere_fails_although_strangers_resemble_it_as_much(
    finished_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = np.exp(-((np.indices((64, 64)) - 32.0) ** 2).sum(0) / 200)
    monkeypatch.setattr(sanity, "head_box", lambda image: (0, 0, 64, 64))
    found = with_maps(finished_run, monkeypatch, lambda *_: blob)
    assert found.fails
    assert found.strangers.value == pytest.approx(1)
    assert "Maps of different patients correlate 1.000" in found.verdict


def test_a_map_that_hangs_on_every_weight_passes(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_maps(finished_run, monkeypatch, from_weights)
    assert not found.fails
    assert abs(found.rank.value) < 0.1
    assert all(stage.reaches for stage in found.stages)
    assert found.stages[0].name == "head"
    assert found.verdict.startswith("Passes")


def test_blank_maps_leave_nothing_to_check_and_so_fail(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = with_maps(finished_run, monkeypatch, lambda _, image: image * 0.0)
    assert found.fails
    assert found.images == 0
    assert "blank" in found.verdict
    assert found.to_dict()["rank_correlation"]["value"] is None


def test_a_map_that_vanishes_with_the_weights_has_changed(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    learned = finished_run.network().head.weight

    def draw(pipeline: Pipeline, image: np.ndarray) -> np.ndarray:
        return image * float(torch.equal(pipeline.network.head.weight, learned))

    found = with_maps(finished_run, monkeypatch, draw)
    assert (found.fails, found.rank.value) == (False, 0)


def test_slow_methods_take_fewer_images_and_stages_and_still_end_with_all_weights(
    finished_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sanity.SLOW, "slow", (3, 2, 5))
    quick = with_maps(finished_run, monkeypatch, from_weights)
    found = with_maps(finished_run, monkeypatch, from_weights, ["slow", "quick"])
    assert (found.images, found.draws) == (3, 2)
    assert (quick.images, quick.draws) == (8, 5)
    assert 1 < len(found.stages) < len(quick.stages)
    assert found.stages[-1].name == quick.stages[-1].name


def test_of_a_real_network_grad_cam_sees_the_head_and_eigen_cam_does_not(finished_run: Run) -> None:
    images, bootstrap = material(finished_run)
    steps: list[tuple[int, int]] = []
    found = check_sanity(
        finished_run.pipeline(), finished_run.spec.network, images, bootstrap, ["grad_cam", "eigen_cam"],
        progress=lambda *step: steps.append(step),
    )  # fmt: skip
    assert [found[name].stages[0].reaches for name in ("grad_cam", "eigen_cam")] == [True, False]
    assert found["eigen_cam"].stages[0].rank.value == pytest.approx(1)
    assert all(found["eigen_cam"].stages[i].reaches for i in range(1, len(found["eigen_cam"].stages)))
    assert steps[-1][0] == steps[-1][1]
