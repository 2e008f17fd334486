"""What the documentation keeps of a cross-validation can be counted again from the answers kept beside it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

KEPT = sorted((Path(__file__).parents[1] / "docs" / "crossval").iterdir())


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_the_figures_of_a_kept_cross_validation_follow_from_its_answers(folder: Path) -> None:
    found = json.loads((folder / "crossval.json").read_text(encoding="utf-8"))
    with (folder / "predictions.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    classes = found["classes"]
    true, named = (np.array([classes.index(row[column]) for row in rows]) for column in ("label", "predicted"))
    probabilities = np.array([[float(row[f"p_{name}"]) for name in classes] for row in rows])
    assert np.array_equal(probabilities.argmax(axis=1), named)
    confusion_matrix = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(confusion_matrix, (true, named), 1)
    assert found["confusion_matrix"] == confusion_matrix.tolist()
    assert len({row["id"] for row in rows}) == len(rows) == found["images"]
    counted = {
        "accuracy": (true == named).mean(),
        "brier": ((probabilities - np.eye(len(classes))[true]) ** 2).sum(axis=1).mean(),
    }
    assert {name: found["overall"][name]["value"] for name in counted} == pytest.approx(counted, abs=1e-5)

    ill = [row for row in rows if row["label"] != "no_tumor"]
    drawn = found["segmentation"]
    counted = {
        "dice": np.mean([float(row["dice"]) for row in ill]),
        "iou": np.mean([float(row["iou"]) for row in ill]),
        "lesion_sensitivity": sum(int(row["lesions_hit"]) for row in ill) / sum(int(row["lesions"]) for row in ill),
        "false_positives": np.mean([int(row["false_positives"]) for row in rows]),
    }
    assert {name: drawn["overall"][name]["value"] for name in counted} == pytest.approx(counted, abs=1e-5)
    assert drawn["masks"] == len(ill)
    assert drawn["healthy_drawn"] == sum(row["drawn_pixels"] != "0" for row in rows if row["label"] == "no_tumor")
