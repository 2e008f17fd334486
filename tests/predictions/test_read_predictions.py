"""A run, its ONNX file, and the predictions of that file in a CSV file give the same metrics; the rest is refused."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Table, open_table, read_sample_mask, write_table
from tumorlens.errors import DataError, ScanError, SplitError
from tumorlens.evaluation import Evaluation, Predictions, evaluate
from tumorlens.evaluation.evaluate_predictions import UNKNOWN_TRAINING
from tumorlens.evaluation.evaluation_files import write_evaluation
from tumorlens.evaluation.evaluation_record import PredictionsRecord
from tumorlens.predictions.read_predictions import read_predictions


@pytest.fixture(scope="module")
def table(phantoms: Path) -> Table:
    return open_table(phantoms)


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return path


def write_scores(path: Path, predictions: Predictions) -> Path:
    rows = [
        [sample.image.name, *map(repr, map(float, row))]
        for sample, row in zip(predictions.table, predictions.probabilities, strict=True)
    ]
    return write_csv(path, ["image", *predictions.classes], rows)


def write_classes(path: Path, table: Table, labels: Sequence[str]) -> Path:
    rows = [[sample.id, label] for sample, label in zip(table, labels, strict=True)]
    return write_csv(path, ["id", "predicted"], rows)


def write_masks(folder: Path, table: Table, shift: int = 0) -> Path:
    for sample in table:
        mask = read_sample_mask(sample)
        if mask is None:
            mask = np.zeros(np.asarray(Image.open(sample.image)).shape[:2], np.uint8)
        scans.save(folder / f"{sample.image.stem}.png", Image.fromarray(np.roll(mask, shift, axis=0) * 255))
    return folder


def numbers(found: Evaluation) -> list[float]:
    estimates = [*found.metrics.overall.values()]
    estimates += [one for of_class in found.metrics.per_class.values() for one in of_class.values()]
    if found.segmentation:
        estimates += found.segmentation.overall.values()
    return [np.nan if x is None else x for one in estimates for x in (one.value, one.low, one.high)]


def test_a_run_its_onnx_file_and_the_predictions_of_that_file_have_the_same_metrics(
    evaluation: Evaluation, evaluated_model_file: Path, phantom_table: Table, tmp_path: Path
) -> None:
    test = phantom_table.subset("test")
    by_onnx = read_predictions(evaluated_model_file, test)
    by_csv = read_predictions(write_scores(tmp_path / "scores.csv", by_onnx), test)
    onnx, scores = (evaluate(one, trained_on=phantom_table, n_resamples=100) for one in (by_onnx, by_csv))
    assert numbers(onnx) == pytest.approx(numbers(evaluation), abs=1e-4, nan_ok=True)
    assert numbers(scores) == pytest.approx(numbers(onnx), abs=0, rel=0, nan_ok=True)
    assert onnx.facts.subset == scores.facts.subset == "test"
    assert onnx.metrics.confusion_matrix.tolist() == evaluation.metrics.confusion_matrix.tolist()
    occluded = onnx.to_dict()["analyses"]["region_occlusion"]
    expected = evaluation.to_dict()["analyses"]["region_occlusion"]
    names = ("outside_head_occluded", "head_occluded", "tumor_occluded")
    assert [occluded[name]["accuracy"] for name in names] == [expected[name]["accuracy"] for name in names]
    assert "region_occlusion" in scores.not_measured
    assert "region_occlusion" not in onnx.not_measured


def test_a_model_file_has_the_ood_scores_and_prediction_sets_of_its_run(
    evaluation: Evaluation, evaluated_model_file: Path, phantom_table: Table, tmp_path: Path
) -> None:
    found = evaluate(read_predictions(evaluated_model_file, phantom_table.subset("test")), n_resamples=100)
    mine, theirs = found.to_dict()["analyses"], evaluation.to_dict()["analyses"]
    assert not {"ood", "selective"} & set(found.not_measured)
    flagged = [one["ood"]["flagged"]["value"] for one in (mine, theirs)]
    assert flagged[0] == pytest.approx(flagged[1])
    assert mine["ood"]["fitted_on_images"] == theirs["ood"]["fitted_on_images"]
    assert mine["ood"]["validation_kept"] == pytest.approx(theirs["ood"]["validation_kept"])
    assert mine["ood"]["method"] == theirs["ood"]["method"]
    assert mine["selective"]["validation_units"] == theirs["selective"]["validation_units"]
    for ours, other in zip(mine["selective"]["rows"], theirs["selective"]["rows"], strict=True):
        assert ours["size"]["value"] == pytest.approx(other["size"]["value"])
        assert ours["answered"]["value"] == pytest.approx(other["answered"]["value"])
    page = (write_evaluation(None, found, tmp_path) / "report.html").read_text(encoding="utf-8")
    assert "Out-of-distribution detection" in page
    assert "Selective prediction" in page


def test_the_prediction_sets_of_a_shipped_model_are_those_of_its_predictor(table: Table) -> None:
    from tumorlens.deploy.predictor import Predictor
    from tumorlens.deploy.shipped import model_path

    some = replace(table, samples=table.samples[::5])
    found = evaluate(read_predictions(model_path("tiny"), some), analyses={"region_occlusion": False}, n_resamples=50)
    predictor = Predictor(model_path("tiny"))
    for row in found.to_dict()["analyses"]["selective"]["rows"]:
        predicted = [predictor.predict(one.image, coverage=row["nominal_coverage"]) for one in some]
        sizes: dict[str, list[int]] = {}
        for sample, prediction in zip(some, predicted, strict=True):
            sizes.setdefault(sample.unit, []).append(len(prediction.prediction_set or ()))
        assert row["size"]["value"] == pytest.approx(np.mean([np.mean(one) for one in sizes.values()]))
    flagged = found.to_dict()["analyses"]["ood"]["flagged"]["value"]
    assert flagged == pytest.approx(np.mean([prediction.ood for prediction in predicted]))


def test_merged_classes_have_ood_scores_and_no_prediction_sets(evaluated_model_file: Path, table: Table) -> None:
    samples = [replace(one, label=one.label if one.label == "no_tumor" else "tumor") for one in table]
    binary = replace(table, samples=tuple(samples), classes=("no_tumor", "tumor"))
    found = evaluate(read_predictions(evaluated_model_file, binary), n_resamples=100)
    assert "merged" in found.not_measured["selective"]
    assert "ood" in found.analyses


def test_masks_of_a_segmenting_model_file_equal_those_that_are_read_from_files(table: Table, tmp_path: Path) -> None:
    from tumorlens.deploy.shipped import model_path

    some = table.filter(lambda sample: sample.mask is not None)
    some = replace(some, samples=some.samples[:4])
    by_onnx = read_predictions(model_path("tiny"), some)
    assert len(by_onnx.masks) == 4
    for sample, mask in zip(some, by_onnx.masks, strict=True):
        scans.save(tmp_path / "masks" / f"{sample.image.stem}.png", Image.fromarray(mask.unpack() * 255))
    by_files = read_predictions(write_scores(tmp_path / "scores.csv", by_onnx), some, masks=tmp_path / "masks")
    off = {"region_occlusion": False}
    first, second = (evaluate(one, n_resamples=100, analyses=off) for one in (by_onnx, by_files))
    assert first.segmentation
    assert numbers(first) == pytest.approx(numbers(second), abs=0, rel=0, nan_ok=True)


def test_classes_alone_give_no_auroc_no_calibration_and_the_reason(table: Table, tmp_path: Path) -> None:
    labels = [sample.label for sample in table]
    wrong = ["Pituitary", *labels[1:]]
    found = evaluate(read_predictions(write_classes(tmp_path / "c.csv", table, wrong), table), n_resamples=100)
    assert found.metrics.overall["accuracy"].value == pytest.approx(23 / 24)
    assert not {"macro_auroc", "brier", "ece"} & set(found.metrics.overall)
    assert all("auroc" not in one for one in found.metrics.per_class.values())
    assert "probability for each class" in found.not_measured["macro_auroc"]
    assert found.to_dict()["calibration"] is None
    with assert_refused(DataError, found="'roc' of predictions that are classes alone"):
        found.plot("roc")
    write_evaluation(None, found, tmp_path / "out")
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"evaluation.json", "predictions.csv", "report.html", "run.json"}
    record = PredictionsRecord.model_validate(json.loads((tmp_path / "out" / "evaluation.json").read_text()))
    assert (record.predictions.kind, record.predictions.given, record.recipe) == ("csv", "classes", None)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Not measured: AUROC" in page
    assert UNKNOWN_TRAINING in page


def test_masks_alone_are_measured_without_any_class(table: Table, tmp_path: Path) -> None:
    found = evaluate(read_predictions(write_masks(tmp_path / "net", table), table), n_resamples=100)
    assert found.segmentation
    assert found.segmentation.overall["dice"].value == 1
    assert (found.metrics.overall, found.detection) == ({}, None)
    assert found.metrics.confusion_matrix.sum() == 0
    assert "predicted classes" in found.not_measured["accuracy"]
    write_evaluation(None, found, tmp_path / "out")
    first = next(csv.DictReader((tmp_path / "out" / "predictions.csv").open()))
    assert (first["predicted"], first["dice"]) == ("", "1.000000")
    moved = evaluate(read_predictions(write_masks(tmp_path / "moved", table, 9), table), n_resamples=100)
    assert moved.segmentation
    assert moved.segmentation.overall["dice"].value < 0.9


def test_a_mask_of_probabilities_or_of_another_size_is_refused(table: Table, tmp_path: Path) -> None:
    folder = write_masks(tmp_path / "masks", table)
    path = folder / f"{table[0].image.stem}.png"
    scans.save(path, Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)))
    with assert_refused(ScanError, found="values"):
        read_predictions(folder, table)
    scans.save(path, Image.fromarray(np.zeros((32, 64), np.uint8)))
    with assert_refused(ScanError, found="is 64 x 32 pixels", advice="without interpolation"):
        read_predictions(folder, table)


def test_unmatched_images_are_an_error_unless_they_are_ignored_and_counted(table: Table, tmp_path: Path) -> None:
    rows = [[sample.image.name, sample.label] for sample in table.samples[2:]]
    path = write_csv(tmp_path / "some.csv", ["file", "pred"], [*rows, ["stranger.png", "glioma"]])
    with assert_refused(
        DataError, found="2 of 24 images have no prediction.*1 predictions have no image", advice="--unmatched ignore"
    ):
        read_predictions(path, table)
    predictions = read_predictions(path, table, unmatched="ignore")
    assert (predictions.source.images_without_prediction, predictions.source.predictions_without_image) == (2, 1)
    found = evaluate(predictions, n_resamples=100)
    assert any("2 of 24 images have no prediction" in text for text in found.caveats)
    assert any("1 predictions are for images that are not in the data" in text for text in found.caveats)


@pytest.mark.parametrize(
    ("columns", "row", "found"),
    [
        (["name", "predicted"], ["{image}", "glioma"], "no column with the image"),
        (["image", "label"], ["{image}", "glioma"], "the true or the predicted class"),
        (["image", "score"], ["{image}", "0.3"], "neither probabilities nor a predicted class"),
        (["image", "predicted"], ["{image}", "metastasis"], "class 'metastasis'"),
        (["image", "glioma"], ["{image}", "0.4"], "a probability of glioma alone"),
        (["image", "glioma", "no_tumor"], ["{image}", "0.4", "0.6"], "no column for meningioma, pituitary"),
        (["image", "glioma", "p_glioma"], ["{image}", "0.4", "0.6"], "'glioma' and 'p_glioma' for class glioma"),
        (["image", "glioma", "meningioma", "pituitary", "normal"], ["{image}", *"1100"], "sum to 2"),
        (["image", "glioma", "meningioma", "pituitary", "normal"], ["{image}", "7", "-6", "0", "0"], "'7' in"),
        (["image", "glioma", "meningioma", "pituitary", "normal"], ["{image}", "", "1", "0", "0"], "'' in"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(
    table: Table, tmp_path: Path, columns: list[str], row: list[str], found: str
) -> None:
    rows = [[cell.replace("{image}", sample.image.name) for cell in row] for sample in table]
    with assert_refused(DataError, found=found):
        read_predictions(write_csv(tmp_path / "x.csv", columns, rows), table)


def test_two_predictions_for_one_image_are_refused(table: Table, tmp_path: Path) -> None:
    rows = [[table[0].id, "glioma"], [table[0].image.name, "glioma"]]
    with assert_refused(DataError, found="a second prediction for .*, after line 2"):
        read_predictions(write_csv(tmp_path / "x.csv", ["image", "predicted"], rows), table)


def test_other_spellings_of_classes_and_paths_of_other_machines_are_understood(table: Table, tmp_path: Path) -> None:
    spelled = {
        "glioma": "Glioma Tumor",
        "meningioma": "MENINGIOMA",
        "pituitary": "pituitary_tumor",
        "no_tumor": "healthy",
    }
    rows = [[f"D:\\data\\{sample.id.replace('/', chr(92))}", spelled[sample.label]] for sample in table]
    predictions = read_predictions(write_csv(tmp_path / "x.csv", ["path", "prediction"], rows), table)
    assert evaluate(predictions, n_resamples=100).metrics.overall["accuracy"].value == 1


def test_data_labeled_tumor_or_not_merges_the_tumor_classes(table: Table, tmp_path: Path) -> None:
    labels = [sample.label for sample in table]
    binary = replace(
        table,
        samples=tuple(replace(s, label=s.label if s.label == "no_tumor" else "tumor") for s in table),
        classes=("no_tumor", "tumor"),
    )
    path = write_csv(
        tmp_path / "x.csv",
        ["id", "glioma", "meningioma", "pituitary", "no_tumor"],
        [[s.id, 0.3, 0.2, 0.1, 0.4] for s in binary],
    )
    found = evaluate(read_predictions(path, binary), n_resamples=100)
    assert found.metrics.classes == ("no_tumor", "tumor")
    assert found.probabilities[0].tolist() == pytest.approx([0.4, 0.6])
    assert any("are merged" in text for text in found.caveats)
    assert found.metrics.support == {
        "no_tumor": labels.count("no_tumor"),
        "tumor": len(labels) - labels.count("no_tumor"),
    }


def test_named_training_data_are_searched_for_leaks_as_those_of_a_run(
    table: Table, phantom_table: Table, tmp_path: Path
) -> None:
    path = write_classes(tmp_path / "c.csv", table, [sample.label for sample in table])
    with assert_refused(SplitError, found="are in phantom's train or validation"):
        evaluate(read_predictions(path, table), trained_on=table, n_resamples=100)
    test = phantom_table.subset("test")
    clean = evaluate(read_predictions(path, test, unmatched="ignore"), trained_on=phantom_table, n_resamples=100)
    assert "leakage" not in clean.not_measured
    assert UNKNOWN_TRAINING not in clean.caveats
    # a copy of the measured images under other names and patients
    copies = []
    for i, sample in enumerate(test):
        copy = tmp_path / "copies" / f"{i}.png"
        scans.save(copy, Image.open(sample.image))
        copies.append(replace(sample, id=f"copies/{i}.png", image=copy, group=f"copies:{i}", mask=None, split=None))
    trained_on = Table("copies", tuple(copies), test.classes)
    leaked = evaluate(read_predictions(path, test, unmatched="ignore"), trained_on=trained_on, n_resamples=100)
    assert leaked.to_dict()["analyses"]["leakage"]["with_duplicate_in_train"] == len(test)
    assert any("8 of 8 images leak from train" in text for text in leaked.caveats)
    assert leaked.facts.external


def test_a_model_file_is_evaluated_without_pytorch(
    evaluated_model_file: Path, phantom_table: Table, tmp_path: Path
) -> None:
    data = write_table(phantom_table, tmp_path / "data.csv") or tmp_path / "data.csv"
    arguments = [
        "evaluate",
        str(evaluated_model_file),
        "--data",
        str(data),
        "--subset",
        "test",
        "-o",
        str(tmp_path / "o"),
    ]
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom tumorlens.cli import main\n"
        f"sys.exit(main({[*arguments, '--n-resamples', '100', '--json']!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["images"], found["predictions"]["kind"], found["recipe"]) == (8, "onnx", None)
    assert found["predictions"]["milliseconds"] > 0
    assert "region_occlusion" in found["analyses"]
    assert (tmp_path / "o" / "report.html").is_file()
