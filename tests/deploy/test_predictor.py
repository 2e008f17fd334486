"""A model file predicts files, scans and arrays, and continues after a bad one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import tumorlens
from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tumorlens.deploy.prediction import Prediction
from tumorlens.deploy.predictor import Predictor, load
from tumorlens.errors import MissingExtraError, ModelFileError, ScanError
from tumorlens.scan import Scan, ScanSource, read_scan


@pytest.fixture(scope="module")
def predictor(model_file: Path) -> Predictor:
    return load(model_file)


def other_onnx(path: Path) -> Path:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", value[:1], value[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def test_a_path_a_scan_and_an_array_of_one_image_get_the_same_prediction(predictor: Predictor, phantoms: Path) -> None:
    path = next((phantoms / "images").iterdir())
    predictions = [predictor.predict(source) for source in (path, str(path), read_scan(path), read_scan(path).pixels)]
    assert len({each.label for each in predictions}) == 1
    assert all(each.probabilities == predictions[0].probabilities for each in predictions)
    assert [each.source for each in predictions] == [*[str(path)] * 3, "array"]


def test_16_bit_pixels_are_windowed_not_clipped(predictor: Predictor) -> None:
    deep = np.random.default_rng(0).integers(0, 4000, (50, 60)).astype(np.uint16)
    prediction = predictor.predict(deep)
    assert prediction.probabilities == predictor.predict(deep.astype(np.float32) * 3 + 1).probabilities
    assert prediction.probabilities != predictor.predict(np.full_like(deep, 4000)).probabilities
    assert prediction.size == (50, 60)


def test_pixels_that_are_not_contiguous_in_memory_are_read_correctly(predictor: Predictor) -> None:
    wide = np.random.default_rng(0).integers(0, 256, (40, 80), dtype=np.uint8)
    assert predictor.predict(wide[:, ::2]).probabilities == predictor.predict(wide[:, ::2].copy()).probabilities


def test_the_label_is_the_most_probable_class(predictor: Predictor, phantoms: Path) -> None:
    prediction = predictor.predict(next((phantoms / "images").iterdir()))
    assert prediction.probability == max(prediction.probabilities.values())
    assert tuple(prediction.probabilities) == predictor.classes
    assert prediction.to_dict()["label"] == prediction.label
    assert prediction.to_dict()["model"] == "run"
    assert prediction.to_dict()["tumor"] is None


def test_a_heat_map_is_computed_on_request_only(predictor: Predictor) -> None:
    assert predictor.predict(scans.GRAY, heatmap=False).heatmap is None


def test_many_images_are_predicted_in_order_with_a_bad_one_in_the_middle(
    predictor: Predictor, phantoms: Path, tmp_path: Path
) -> None:
    good = sorted((phantoms / "images").iterdir())
    bad = scans.raw(tmp_path / "bad.png", b"no image")
    sources = [*good[:20], bad, *good[20:]]
    results = list(predictor.predict_many(iter(sources)))
    assert [source for source, _ in results] == sources
    assert [isinstance(result, Prediction) for _, result in results] == [source != bad for source in sources]
    assert str(bad) in str(results[20][1])


def test_a_file_whose_reader_is_not_installed_does_not_stop_the_others(
    predictor: Predictor, phantoms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_reader(source: ScanSource) -> Scan:
        if isinstance(source, str):
            raise MissingExtraError(found="h5py is needed")
        return read_scan(source)

    monkeypatch.setattr("tumorlens.deploy.predictor.read_scan", no_reader)
    (_, error), (_, prediction) = predictor.predict_many(["slice.mat", scans.GRAY])
    assert isinstance(error, MissingExtraError)
    assert isinstance(prediction, Prediction)


def test_a_stack_is_refused(predictor: Predictor, tmp_path: Path) -> None:
    with assert_refused(ScanError, found="a stack of 2 slices"):
        predictor.predict(scans.pages(tmp_path / "stack.tif", scans.GRAY, scans.GRAY))


def test_a_file_that_is_no_model_file_is_refused_in_one_line(tmp_path: Path) -> None:
    cases = {
        tmp_path / "missing.onnx": "no such file",
        scans.raw(tmp_path / "text.onnx", b"hello"): "cannot be loaded as ONNX",
        scans.raw(tmp_path / "empty.onnx", b""): "ONNX",
        other_onnx(tmp_path / "other.onnx"): "without a tumorlens card",
    }
    for path, found in cases.items():
        with assert_refused(ModelFileError, found=found) as caught:
            load(path)
        assert caught.value.file == str(path)
        assert str(path) not in caught.value.found


def test_the_package_exports_load_and_predict(model_file: Path) -> None:
    assert isinstance(tumorlens.load(model_file).predict(scans.GRAY), tumorlens.Prediction)
    assert tumorlens.predict(scans.GRAY, model_file, heatmap=False).label in load(model_file).classes


def test_the_shipped_models_say_what_they_are_in_one_line() -> None:
    assert repr(load("default")) == "Predictor(default, 4 classes, mask, 224 px)"
    assert repr(load("tiny")) == "Predictor(tiny, 4 classes, mask, 160 px)"


def test_a_predictor_is_called_like_a_function(predictor: Predictor) -> None:
    assert predictor(scans.GRAY).probabilities == predictor.predict(scans.GRAY).probabilities


def test_predict_proba_has_a_row_per_image_in_the_order_of_the_classes(predictor: Predictor, phantoms: Path) -> None:
    paths = sorted((phantoms / "images").iterdir())[:3]
    rows = predictor.predict_proba(iter(paths))
    assert rows.shape == (3, len(predictor.classes))
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    for path, row in zip(paths, rows, strict=True):
        probabilities = predictor.predict(path).probabilities
        assert [probabilities[name] for name in predictor.classes] == list(row)
        for one in (path, str(path), path.read_bytes(), read_scan(path), read_scan(path).pixels):
            np.testing.assert_array_equal(predictor.predict_proba(one), row[None])
    assert predictor.predict_proba([]).shape == (0, len(predictor.classes))


def test_predict_proba_raises_the_error_of_an_image_that_cannot_be_read(predictor: Predictor) -> None:
    with pytest.raises(ScanError):
        predictor.predict_proba([scans.GRAY, b"no image"])
