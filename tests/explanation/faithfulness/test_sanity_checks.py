"""A map that does not change with random weights fails the sanity check; a map that changes passes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from tumorlens.evaluation import gray_slice
from tumorlens.evaluation.subset import bootstrap_of
from tumorlens.explanation.faithfulness import SanityCheck, check_sanity, sanity_checks
from tumorlens.models import Pipeline
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Run


def check_method(
    run: Run, monkeypatch: pytest.MonkeyPatch, render: object, methods: Sequence[str] = ("test",)
) -> SanityCheck:
    """The sanity check of a method whose maps `render` makes."""

    def iter_heatmaps(pipeline: Pipeline, images: Sequence[np.ndarray], targets: Sequence[int], method: str) -> list:
        return [render(pipeline, image).astype(np.float32) for image in images]  # type: ignore[operator]

    monkeypatch.setattr(sanity_checks, "iter_heatmaps", iter_heatmaps)
    images, bootstrap = images_of(run)
    pipeline = run.pipeline()
    return check_sanity(pipeline, run.spec.network, images, bootstrap, methods)[methods[0]]


def images_of(run: Run) -> tuple[list[np.ndarray], ClusterBootstrap]:
    subset = run.table().subset("test")
    return [gray_slice(sample.image) for sample in subset.samples], bootstrap_of(subset, n_resamples=100)


def from_weights(pipeline: Pipeline, image: np.ndarray) -> np.ndarray:
    """Noise that depends on every weight."""
    total = float(sum(p.detach().double().abs().sum() for p in pipeline.network.parameters()))
    return np.random.default_rng(int(total * 1e3)).random(image.shape)


def test_a_map_of_the_image_only_fails(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    check = check_method(finished_run, monkeypatch, lambda _, image: image / 255)
    assert check.fails
    assert check.rank_correlation.value == pytest.approx(1)
    assert check.ssim.value == pytest.approx(1)
    assert not any(stage.changes_map for stage in check.stages)
    assert check.verdict.startswith("FAILS the sanity check: with all weights random its maps correlate by 1.000")
    assert "Maps of different patients" not in check.verdict


def test_a_map_that_is_the_same_for_every_patient_fails(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = np.exp(-((np.indices((64, 64)) - 32.0) ** 2).sum(0) / 200)
    monkeypatch.setattr(sanity_checks, "head_box", lambda image: (0, 0, 64, 64))
    check = check_method(finished_run, monkeypatch, lambda *_: blob)
    assert check.fails
    assert check.between_patients.value == pytest.approx(1)
    assert "Maps of different patients correlate by 1.000" in check.verdict


def test_a_map_that_depends_on_every_weight_passes(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    check = check_method(finished_run, monkeypatch, from_weights)
    assert not check.fails
    assert abs(check.rank_correlation.value) < 0.1
    assert all(stage.changes_map for stage in check.stages)
    assert check.stages[0].name == "head"
    assert check.verdict.startswith("Passes")


def test_blank_maps_fail(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    check = check_method(finished_run, monkeypatch, lambda _, image: image * 0.0)
    assert check.fails
    assert check.images == 0
    assert "blank" in check.verdict
    assert check.to_dict()["rank_correlation"]["value"] is None


def test_a_map_that_becomes_blank_has_changed(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = finished_run.network().head.weight

    def render(pipeline: Pipeline, image: np.ndarray) -> np.ndarray:
        return image * float(torch.equal(pipeline.network.head.weight, trained))

    check = check_method(finished_run, monkeypatch, render)
    assert (check.fails, check.rank_correlation.value) == (False, 0)


def test_slow_methods_use_fewer_images_and_stages_and_end_with_all_weights_random(
    finished_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sanity_checks.SLOW_METHODS, "slow", (3, 2, 5))
    quick = check_method(finished_run, monkeypatch, from_weights)
    check = check_method(finished_run, monkeypatch, from_weights, ["slow", "quick"])
    assert (check.images, check.random_networks) == (3, 2)
    assert (quick.images, quick.random_networks) == (8, 5)
    assert 1 < len(check.stages) < len(quick.stages)
    assert check.stages[-1].name == quick.stages[-1].name


def test_grad_cam_depends_on_the_head_of_a_network_and_eigen_cam_does_not(finished_run: Run) -> None:
    images, bootstrap = images_of(finished_run)
    steps: list[tuple[str, int, int | None]] = []
    checks = check_sanity(
        finished_run.pipeline(), finished_run.spec.network, images, bootstrap, ["grad_cam", "eigen_cam"],
        progress=lambda *step: steps.append(step),
    )  # fmt: skip
    assert [checks[name].stages[0].changes_map for name in ("grad_cam", "eigen_cam")] == [True, False]
    assert checks["eigen_cam"].stages[0].rank_correlation.value == pytest.approx(1)
    assert all(checks["eigen_cam"].stages[i].changes_map for i in range(1, len(checks["eigen_cam"].stages)))
    assert {stage for stage, _, _ in steps} == {"randomizing weights"}
    assert steps[-1][1] == steps[-1][2]
