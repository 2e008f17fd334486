"""The network answers each sample from its file, whatever its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fixtures import scans
from tumorlens.datasets import Sample
from tumorlens.errors import ScanError
from tumorlens.evaluation import infer
from tumorlens.training import Run


def test_pictures_of_mixed_sizes_are_answered_in_order_as_each_alone(finished_run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sizes = [(40, 40), (40, 40), (31, 55), (40, 40), (1, 9)]
    greys = [rng.integers(0, 256, size, dtype=np.uint8) for size in sizes]
    samples = [Sample(f"x/{i}", scans.save(tmp_path / f"{i}.png", g), "glioma") for i, g in enumerate(greys)]
    steps: list[tuple[int, int]] = []
    pipeline = finished_run.pipeline()
    found = infer(pipeline, samples, progress=lambda done, total: steps.append((done, total)))
    with torch.inference_mode():
        alone = [pipeline(torch.from_numpy(g)[None]) for g in greys]
    np.testing.assert_allclose(found.logits, torch.cat([a.logits for a in alone]).numpy(), atol=1e-4)
    np.testing.assert_allclose(found.cams, torch.cat([a.cam for a in alone]).numpy(), atol=1e-4)
    assert steps[-1] == (5, 5)


def test_a_stack_of_slices_is_refused_by_name(finished_run: Run, tmp_path: Path) -> None:
    path = scans.pages(tmp_path / "stack.tif", scans.GREY, scans.GREY)
    with pytest.raises(ScanError, match=r"stack\.tif: a stack of 2 slices"):
        infer(finished_run.pipeline(), [Sample("x/1", path, "glioma")])
