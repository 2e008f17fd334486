"""A run explains pictures, and one bad file does not stop the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import scans
from tumorlens.errors import ModelError, ScanError
from tumorlens.explanation import Explanation, explain
from tumorlens.training import Run


def test_a_bad_file_among_good_ones_gives_its_error_in_its_place(
    finished_run: Run, phantoms: Path, tmp_path: Path
) -> None:
    good = sorted((phantoms / "images").iterdir())[:2]
    bad = scans.raw(tmp_path / "bad.png", b"no picture")
    first, error, last = explain(finished_run, [good[0], bad, good[1]])
    assert isinstance(error, ScanError)
    assert str(bad) in str(error)
    assert isinstance(first, Explanation)
    assert isinstance(last, Explanation)
    assert (first.path, last.path) == tuple(good)


def test_a_heat_map_lies_on_its_picture(finished_run: Run, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    (found,) = explain(finished_run, [str(path)])
    assert isinstance(found, Explanation)
    assert found.heatmap.shape == found.grey.shape == (64, 64)
    assert found.heatmap.dtype == np.float32
    assert 0 <= found.heatmap.min() <= found.heatmap.max() <= 1
    assert found.target in finished_run.spec.classes


def test_any_class_can_be_asked_for(finished_run: Run, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    shares = [
        item.probability
        for name in finished_run.spec.classes
        for item in explain(finished_run, [path], name)
        if isinstance(item, Explanation) and item.target == name
    ]
    assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_an_unknown_class_is_an_error_before_anything_is_read(finished_run: Run) -> None:
    with pytest.raises(ModelError, match=r"'gloma' asked for.*glioma"):
        explain(finished_run, ["does-not-exist.png"], "gloma")


def test_a_network_that_also_segments_is_explained_like_any_other(drawing_run: Run, phantoms: Path) -> None:
    (found,) = explain(drawing_run, [next((phantoms / "images").iterdir())])
    assert isinstance(found, Explanation)
    assert found.heatmap.shape == found.grey.shape
    assert found.heatmap.max() > 0
