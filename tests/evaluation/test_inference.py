"""Inference reads each sample from its file, whatever its size."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Sample
from tumorlens.errors import ScanError
from tumorlens.evaluation import infer
from tumorlens.training import Run


def test_images_of_mixed_sizes_give_in_order_what_each_gives_alone(finished_run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sizes = [(40, 40), (40, 40), (31, 55), (40, 40), (1, 9)]
    grays = [rng.integers(0, 256, size, dtype=np.uint8) for size in sizes]
    samples = [Sample(f"x/{i}", scans.save(tmp_path / f"{i}.png", g), "glioma") for i, g in enumerate(grays)]
    steps: list[tuple[str, int, int | None]] = []
    pipeline = finished_run.pipeline()
    found = infer(pipeline, samples, progress=lambda stage, done, total: steps.append((stage, done, total)))
    with torch.inference_mode():
        alone = [pipeline(torch.from_numpy(g)[None]) for g in grays]
    np.testing.assert_allclose(found.logits, torch.cat([a.logits for a in alone]).numpy(), atol=1e-4)
    np.testing.assert_allclose(found.cams, torch.cat([a.cam for a in alone]).numpy(), atol=1e-4)
    assert steps[-1] == ("inference", 5, 5)


def test_a_stack_of_slices_is_refused_by_name(finished_run: Run, tmp_path: Path) -> None:
    path = scans.pages(tmp_path / "stack.tif", scans.GRAY, scans.GRAY)
    with assert_refused(ScanError, file=r"stack\.tif$", found="a stack of 2 slices"):
        infer(finished_run.pipeline(), [Sample("x/1", path, "glioma")])


def test_masks_come_one_by_one_at_the_size_of_their_images(segmentation_run: Run, tmp_path: Path) -> None:
    sizes = [(40, 40), (40, 40), (31, 55), (9, 20)]
    rng = np.random.default_rng(0)
    grays = [rng.integers(0, 256, size, dtype=np.uint8) for size in sizes]
    samples = [Sample(f"x/{i}", scans.save(tmp_path / f"{i}.png", g), "glioma") for i, g in enumerate(grays)]
    found: dict[int, np.ndarray] = {}
    infer(segmentation_run.pipeline(), samples, on_mask=lambda position, mask, _: found.update({position: mask}))
    assert [found[i].shape for i in range(4)] == sizes
    assert set(np.unique(np.concatenate([mask.ravel() for mask in found.values()]))) == {0, 1}


def test_a_network_that_only_classifies_predicts_no_mask(finished_run: Run, tmp_path: Path) -> None:
    found: list[int] = []
    one = Sample("x/1", scans.save(tmp_path / "1.png", scans.GRAY), "glioma")
    infer(finished_run.pipeline(), [one], on_mask=lambda position, *_: found.append(position))
    assert found == []


def test_each_mask_comes_with_the_spacing_of_its_own_image(
    segmentation_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tumorlens.evaluation import infer as work
    from tumorlens.scan import read_scan

    spacings = {"0.png": (0.5, 0.5), "1.png": None, "2.png": (1.0, 2.0)}
    samples = [Sample(f"x/{name}", scans.save(tmp_path / name, scans.GRAY), "glioma") for name in spacings]
    module = sys.modules[work.__module__]
    monkeypatch.setattr(module, "read_scan", lambda path: replace(read_scan(path), spacing=spacings[path.name]))
    found: list[object] = []
    work(segmentation_run.pipeline(), samples, on_mask=lambda _, __, spacing: found.append(spacing))
    assert found == list(spacings.values())


def test_images_can_be_changed_before_the_network_sees_them(finished_run: Run, tmp_path: Path) -> None:
    grays = [np.random.default_rng(i).integers(0, 256, (40, 40), dtype=np.uint8) for i in range(3)]
    samples = [Sample(f"x/{i}", scans.save(tmp_path / f"{i}.png", g), "glioma") for i, g in enumerate(grays)]
    turned = [Sample(f"y/{i}", scans.save(tmp_path / f"{i}t.png", g.T), "glioma") for i, g in enumerate(grays)]
    pipeline = finished_run.pipeline()
    seen: list[int] = []

    def transpose(position: int, gray: np.ndarray) -> np.ndarray:
        seen.append(position)
        return gray.T

    changed = infer(pipeline, samples, change=transpose).logits
    np.testing.assert_allclose(changed, infer(pipeline, turned).logits, atol=1e-5)
    assert not np.allclose(changed, infer(pipeline, samples).logits, atol=1e-3)
    assert seen == [0, 1, 2]
