"""An ONNX file of another tool gives the numbers that its description and its weights say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper, save

from tests.fixtures.refusal import assert_refused
from tumorlens.cli import main
from tumorlens.datasets import Table, open_table
from tumorlens.errors import DataError, ModelFileError
from tumorlens.evaluation import evaluate
from tumorlens.predictions.read_predictions import read_predictions
from tumorlens.scan import read_scan
from tumorlens.scan.input_geometry import InputGeometry

SIZE = 16
CLASSES = ["No Tumor", "glioma", "meningioma", "pituitary"]
WEIGHTS = np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32)
BRIGHT = 0.4  # gray value from which the network segments

Describe = Callable[..., Path]


@pytest.fixture(scope="module")
def table(phantoms: Path) -> Table:
    return open_table(phantoms)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "other.onnx", "NCHW")


@pytest.fixture
def describe(tmp_path: Path) -> Describe:
    """Write a description, with other values at some keys."""

    def write(**changes: Any) -> Path:
        content: dict[str, Any] = {
            "input": {
                "name": "x",
                "size": SIZE,
                "channels": 3,
                "layout": "NCHW",
                "range": [0, 1],
                "mean": [0.4, 0.5, 0.6],
                "std": [0.2, 0.3, 0.4],
                "resize": "resize",
            },
            "output": {"name": "scores", "classes": CLASSES, "values": "logits"},
            "mask": {"name": "chart", "values": "logits", "threshold": 0.5},
        }
        for key, value in changes.items():
            part, _, name = key.partition("_")
            if value is None:
                del content[part][name]
            else:
                content[part][name] = value
        path = tmp_path / "other.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    return write


def write_model(path: Path, layout: str) -> Path:
    """1 x 1 convolution, mean over places, logits; the mask is where the first channel is bright."""
    shape = [1, 3, SIZE, SIZE] if layout == "NCHW" else [1, SIZE, SIZE, 3]
    first = np.zeros((1, 3, 1, 1), np.float32)
    first[0, 0] = 50
    bias = np.array([-50 * (BRIGHT - 0.4) / 0.2], np.float32)
    nodes = [] if layout == "NCHW" else [helper.make_node("Transpose", ["x"], ["moved"], perm=[0, 3, 1, 2])]
    entry = "x" if layout == "NCHW" else "moved"
    nodes += [
        helper.make_node("Conv", [entry, "weights"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["scores"]),
        helper.make_node("Conv", [entry, "first", "bias"], ["chart"]),
    ]
    graph = helper.make_graph(
        nodes,
        "other",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4]),
            helper.make_tensor_value_info("chart", TensorProto.FLOAT, [1, 1, SIZE, SIZE]),
        ],
        [
            numpy_helper.from_array(WEIGHTS, "weights"),
            numpy_helper.from_array(first, "first"),
            numpy_helper.from_array(bias, "bias"),
        ],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def by_hand(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and the mask of one image, without ONNX Runtime."""
    gray = read_scan(path).gray_slice()
    window = InputGeometry(SIZE, "resize").crop_window(*gray.shape)
    small = window.to_input(gray) / 255
    channels = np.stack([(small - mean) / std for mean, std in zip((0.4, 0.5, 0.6), (0.2, 0.3, 0.4), strict=True)])
    logits = WEIGHTS[:, :, 0, 0] @ channels.mean(axis=(1, 2))
    chart = 1 / (1 + np.exp(-50 * (small - BRIGHT) / 0.2))
    return np.exp(logits) / np.exp(logits).sum(), window.to_image(chart) >= 0.5


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_probabilities_and_masks_are_those_that_are_computed_by_hand(
    table: Table, tmp_path: Path, describe: Describe, layout: str
) -> None:
    model = write_model(tmp_path / "other.onnx", layout)
    found = read_predictions(model, table, description=describe(input_layout=layout))
    assert found.classes == ("no_tumor", "glioma", "meningioma", "pituitary")
    assert set(found.source.files) == {"other.onnx", "other.yaml"}
    shown = 0
    for sample, row, mask in zip(table, found.probabilities, found.masks, strict=True):
        probabilities, segmented = by_hand(sample.image)
        assert row == pytest.approx(probabilities, abs=1e-5)
        assert np.mean(mask.unpack() != segmented) < 1e-3
        shown += segmented.any()
    assert shown
    evaluated = evaluate(found, n_resamples=100)
    assert evaluated.segmentation
    assert "region_occlusion" in evaluated.analyses
    assert set(evaluated.not_measured) == {"leakage", "ood", "selective"}


@pytest.mark.parametrize(
    ("changes", "error", "found"),
    [
        ({"input_size": None}, DataError, "no key 'input.size'"),
        ({"input_crop": 3}, DataError, "'input.crop'"),
        ({"input_layout": "HWC"}, DataError, "'HWC' as 'input.layout'"),
        ({"input_mean": [0.1, 0.2]}, DataError, "as 'input.mean'"),
        ({"input_std": [0.0]}, DataError, "as 'input.std'"),
        ({"input_name": "image"}, ModelFileError, "no input 'image'"),
        ({"output_name": "y"}, ModelFileError, "no output 'y'"),
        ({"output_classes": ["a", "b"]}, ModelFileError, r"output 'scores' of shape \(1, 4\)"),
        ({"output_values": "probabilities"}, ModelFileError, "output 'scores' with"),
        ({"input_size": 20}, ModelFileError, "does not take an input of shape"),
        ({"mask_name": "scores"}, ModelFileError, "output 'scores' of shape"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    table: Table, model: Path, describe: Describe, changes: dict[str, Any], error: type, found: str
) -> None:
    with assert_refused(error, found=found):
        read_predictions(model, table, description=describe(**changes))


def test_without_a_description_the_file_is_refused(table: Table, model: Path) -> None:
    with assert_refused(ModelFileError, found="without a tumorlens card"):
        read_predictions(model, table)


def test_the_command_line_takes_the_description(
    phantoms: Path, model: Path, describe: Describe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(model), "--description", str(describe()), "--data", str(phantoms)]
    assert main([*arguments, "-o", str(tmp_path / "out"), "--n-resamples", "100"]) == 0
    printed = capsys.readouterr()
    assert "macro AUROC" in printed.out
    assert "leaks cannot be excluded" in printed.err
    assert (tmp_path / "out" / "report.html").is_file()
