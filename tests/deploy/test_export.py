"""A model file gives the outputs of its network, records its provenance, and is not written if outputs differ."""

from __future__ import annotations

import shutil
import site
import sys
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
import torch

from tests.fixtures.known_graph import use_graph
from tests.fixtures.refusal import assert_refused
from tumorlens.deploy.evidence import CardEvidence, read_evidence
from tumorlens.deploy.export import export
from tumorlens.deploy.parity import random_images
from tumorlens.deploy.predictor import load
from tumorlens.errors import ParityError, RunError
from tumorlens.evaluation import Evaluation
from tumorlens.evaluation.evaluation_record import AnalysisRecord, EvaluationRecord
from tumorlens.explanation import Explanation, explain
from tumorlens.model_card.card import ModelCard
from tumorlens.models import Pipeline
from tumorlens.training import Run, load_run

ODD = [np.full((1, 7), 200, np.uint8), np.full((7, 1), 9, np.uint8), np.full((1, 1), 255, np.uint8)]


def pipeline_of(model_file: Path, run: Run) -> Pipeline:
    return run.pipeline(load(model_file).card.temperature)


@pytest.mark.parametrize("image", [*random_images(seed=3), *ODD], ids=lambda p: f"{p.shape[0]}x{p.shape[1]}")
def test_probabilities_are_the_same_as_in_pytorch(model_file: Path, finished_run: Run, image: np.ndarray) -> None:
    with torch.inference_mode():
        expected = pipeline_of(model_file, finished_run)(torch.from_numpy(image)[None]).probabilities[0].tolist()
    prediction = load(model_file).predict(image)
    assert list(prediction.probabilities.values()) == pytest.approx(expected, abs=1e-4)
    assert prediction.heatmap is not None
    assert prediction.heatmap.shape == image.shape


def test_the_heat_map_is_grad_cam(model_file: Path, finished_run: Run, phantoms: Path) -> None:
    predictor = load(model_file)
    for path in sorted((phantoms / "images").iterdir())[::5]:
        prediction = predictor.predict(path)
        (expected,) = explain(finished_run, [path], prediction.label)
        assert isinstance(expected, Explanation)
        assert prediction.heatmap is not None
        np.testing.assert_allclose(prediction.heatmap, expected.heatmap, atol=1e-3)


def test_the_card_records_the_provenance_of_the_model(model_file: Path, finished_run: Run) -> None:
    card = load(model_file).card
    assert card.classes == finished_run.spec.classes
    assert card.input_geometry == finished_run.spec.input_geometry
    assert card.training.split_hash == finished_run.record.split_hash
    assert card.training.data_fingerprint == finished_run.record.data_fingerprint
    assert card.parity.images == 22
    assert card.parity.largest_difference <= 1e-4
    assert card.heatmap
    assert card.metrics == {}
    assert "never evaluated" in card.caveats[0]
    assert card.attributions[0].startswith("Data set phantom: CC0")
    assert card.training.settings["epochs"] == 2
    assert card.calibration is not None
    assert card.calibration.before == {}


def test_no_path_of_this_machine_is_in_the_file(model_file: Path, finished_run: Run) -> None:
    content = model_file.read_bytes()
    import tumorlens

    places = [sys.prefix, *site.getsitepackages(), str(Path(tumorlens.__file__).parent), str(finished_run.folder)]
    assert [place for place in places if place.encode() in content] == []
    assert b"site-packages" not in content
    assert b".py" not in content


def test_the_card_reports_the_evaluation_of_a_run_until_its_weights_change(
    evaluated_model_file: Path, evaluation: Evaluation, tmp_path: Path
) -> None:
    card = load(evaluated_model_file).card
    assert card.metrics["accuracy"].value == evaluation.metrics.overall["accuracy"].value
    assert card.temperature == pytest.approx(evaluation.calibration.temperature)
    sensitivity = evaluation.metrics.per_class["glioma"]["sensitivity"]
    assert card.per_class["glioma"]["sensitivity"].model_dump() == sensitivity.to_dict()
    assert [list(row) for row in card.confusion_matrix] == evaluation.metrics.confusion_matrix.tolist()
    assert card.calibration is not None
    assert card.calibration.before["ece"].value == evaluation.before.overall["ece"].value
    assert (card.calibration.images, card.calibration.units) == (8, 4)
    assert card.tested_on.startswith("phantom, test subset: 8 images, 4 patients")
    assert card.caveats == evaluation.caveats

    from safetensors.torch import load_file, save_file

    run = load_run(shutil.copytree(evaluated_model_file.parent, tmp_path / "run"))
    assert read_evidence(run) is not None
    weights = run.folder / "weights.safetensors"
    save_file({key: value * 1.01 for key, value in load_file(weights).items()}, weights)
    assert read_evidence(run) is None


def test_the_card_reports_the_conclusions_of_every_analysis() -> None:
    found = {"region_occlusion": ("It guesses.",), "robustness": ()}
    analyses = {name: AnalysisRecord(conclusions=lines, caveats=()) for name, lines in found.items()}
    evidence = CardEvidence(EvaluationRecord.model_construct(analyses=analyses))
    assert evidence.analyses == {"region_occlusion": ("It guesses.",)}
    assert evidence.flagged is None


def test_a_graph_with_other_outputs_is_not_written(
    model_file: Path, finished_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_graph(monkeypatch, model_file)
    export(finished_run, tmp_path / "model.onnx")  # with this graph, which is that of the run
    known = sys.modules["tumorlens.deploy.export"]._trace

    def tamper(pipeline: Pipeline) -> object:
        pipeline.temperature = pipeline.temperature * 1.2
        return known(pipeline)

    monkeypatch.setattr("tumorlens.deploy.export._trace", tamper)
    old = tmp_path / "model.onnx"
    old.write_bytes(b"an older file")
    with assert_refused(ParityError, found=r"differ by .* in a class probability on an image of \d+ x \d+"):
        export(finished_run, old)
    assert old.read_bytes() == b"an older file"
    assert list(tmp_path.iterdir()) == [old]


def test_another_extension_is_refused_before_any_work(finished_run: Run, tmp_path: Path) -> None:
    with assert_refused(RunError, file=r"model\.pt$", expected=r"a file name that ends in \.onnx"):
        export(finished_run, tmp_path / "model.pt")
    assert list(tmp_path.iterdir()) == []


def test_fp16_weights_halve_the_file_and_hardly_change_a_prediction(
    model_file: Path, finished_run: Run, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_graph(monkeypatch, model_file)
    card = export(finished_run, tmp_path / "half.onnx", half=True, weights=True)
    assert card.weights_dtype == "float16"
    single, half = (len(path.read_bytes()) for path in (model_file, tmp_path / "half.onnx"))
    saved = single - half
    assert saved == pytest.approx(2 * card.parameters, rel=0.15)
    assert 1e-7 < card.parity.largest_difference < 2e-2
    both = load(model_file), load(tmp_path / "half.onnx")
    for path in sorted((phantoms / "images").iterdir())[::5]:
        one, other = (list(predictor.predict(path).probabilities.values()) for predictor in both)
        assert one == pytest.approx(other, abs=2e-2)

    from safetensors import safe_open

    with safe_open(tmp_path / "half.safetensors", "np") as weights:
        assert ModelCard.model_validate_json(weights.metadata()["tumorlens"]) == card
        stored = {str(weights.get_tensor(name).dtype) for name in weights.keys()}  # noqa: SIM118 (no dictionary)
    assert stored == {"float16", "int64"}


def test_weights_beyond_the_range_of_fp16_stay_in_float32(
    model_file: Path, own_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file, save_file

    path = own_run.folder / "weights.safetensors"
    kept = load_file(path)
    large = kept | {"head.weight": kept["head.weight"] * 1e7}
    save_file(large, path)
    run = load_run(own_run.folder)
    graph = use_graph(monkeypatch, model_file).model.graph
    (head,) = [name for name in graph.initializers if name.endswith("head.weight")]
    graph.initializers[head].const_value = ir.tensor(large["head.weight"].numpy(), name=head)
    assert export(run, run.folder / "model.onnx", half=True).weights_dtype == "float16"
    stored = {value.name: value.dtype for value in ir.load(run.folder / "model.onnx").graph.initializers.values()}
    assert stored[head] == ir.DataType.FLOAT
    assert ir.DataType.FLOAT16 in stored.values()
