"""A segmentation model file gives the masks of its network, at the size of the scan."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.fixtures import scans
from tests.fixtures.refusal import assert_refused
from tumorlens.deploy.evidence import read_evidence
from tumorlens.deploy.export import _card
from tumorlens.deploy.parity import check_parity, random_images
from tumorlens.deploy.prediction import TumorMeasurements
from tumorlens.deploy.predictor import load
from tumorlens.errors import ParityError
from tumorlens.evaluation import infer, thresholds_of, write_evaluation
from tumorlens.evaluation.evaluate_any import evaluate
from tumorlens.model_card.card import Parity
from tumorlens.models import cost
from tumorlens.scan import read_scan
from tumorlens.scan.islands import without_islands
from tumorlens.training import Run, load_run

pytestmark = pytest.mark.usefixtures("plain_charts")


def images(phantoms: Path) -> list[Path]:
    return sorted((phantoms / "images").iterdir())


def test_the_mask_is_the_one_of_the_evaluation(segmentation_model_file: Path, segmentation_run: Run) -> None:
    samples = segmentation_run.table().subset("test").samples
    expected: list[np.ndarray] = []
    infer(segmentation_run.pipeline(), samples, on_mask=lambda _, mask, __: expected.append(mask))
    predictor = load(segmentation_model_file)
    assert sum(mask.any() for mask in expected) >= 4
    for sample, mask in zip(samples, expected, strict=True):
        predicted = predictor.predict(sample.image).mask
        assert predicted is not None
        assert predicted.dtype == np.uint8
        assert (predicted != mask).mean() < 1e-3


@pytest.mark.parametrize("image", random_images(seed=3), ids=lambda p: f"{p.shape[0]}x{p.shape[1]}")
def test_the_mask_has_the_size_of_the_image(segmentation_model_file: Path, image: np.ndarray) -> None:
    mask = load(segmentation_model_file).predict(image).mask
    assert mask is not None
    assert mask.shape == image.shape
    assert set(np.unique(mask)) <= {0, 1}


def test_area_and_bounding_box_are_measured_on_the_mask(segmentation_model_file: Path, phantoms: Path) -> None:
    predictor = load(segmentation_model_file)
    scan = read_scan(images(phantoms)[0])
    prediction = predictor.predict(replace(scan, spacing=(0.5, 2.0)))
    assert prediction.mask is not None
    assert prediction.tumor is not None
    shown, islands = without_islands(prediction.mask)
    assert prediction.tumor.pixels == shown.sum() > 0
    assert prediction.tumor.mm2 == pytest.approx(prediction.tumor.pixels * 0.5 * 2.0)
    assert prediction.tumor.box is not None
    top, left, height, width = prediction.tumor.box
    inside = shown[top : top + height, left : left + width]
    assert inside.sum() == shown.sum()
    assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
    assert prediction.tumor.largest is not None
    assert prediction.to_dict()["tumor"] == {
        "pixels": prediction.tumor.pixels,
        "mm2": prediction.tumor.mm2,
        "box": [top, left, height, width],
        "lesions": prediction.tumor.lesions,
        "largest": prediction.tumor.largest.to_dict(),
        "islands": islands,
    }
    assert prediction.spacing_source == "file"
    assert predictor.predict(scan).to_dict()["tumor"]["mm2"] is None


def test_an_empty_mask_has_no_bounding_box(segmentation_model_file: Path, phantoms: Path) -> None:
    prediction = load(segmentation_model_file).predict(images(phantoms)[0])
    empty = replace(prediction, mask=np.zeros((4, 6), np.uint8), spacing=(1.0, 1.0))
    assert empty.tumor == TumorMeasurements(0, 0.0, None, 0, None)
    assert str(empty.tumor) == "no tumor segmented"
    assert replace(prediction, mask=None).tumor is None


def test_a_classification_model_gives_no_mask(model_file: Path) -> None:
    assert not load(model_file).card.segments
    assert load(model_file).card.parity.largest_mask_difference is None
    assert load(model_file).predict(scans.GRAY).mask is None


def test_heads_for_training_only_are_neither_counted_nor_exported(
    segmentation_model_file: Path, segmentation_run: Run
) -> None:
    card = load(segmentation_model_file).card
    network = segmentation_run.network()
    spare = sum(p.numel() for module in network.training_only() for p in module.parameters())
    assert spare > 0
    assert card.parameters == sum(p.numel() for p in network.parameters()) - spare
    assert card.parameters == cost("efficient_mtnet_s", 4, input_size=64).parameters
    stored = onnx.load(segmentation_model_file).graph.initializer
    assert sum(int(np.prod(one.dims)) for one in stored) < card.parameters + spare / 2
    assert not [one.name for one in stored if "auxiliary" in one.name]


def test_the_card_records_segmentation_and_the_parity_of_masks(segmentation_model_file: Path) -> None:
    card = load(segmentation_model_file).card
    assert card.segments
    assert not card.heatmap
    assert card.parity.largest_mask_difference is not None
    assert card.parity.largest_mask_difference <= 1e-3
    assert card.parity.mask_pixels_differ is not None
    assert card.parity.mask_pixels_differ < 1e-2


def test_the_card_reports_segmentation_metrics(own_segmentation_run: Run) -> None:
    evaluation = evaluate(own_segmentation_run, n_resamples=100)
    run = own_segmentation_run
    write_evaluation(run, evaluation)
    evidence = read_evidence(run)
    assert evidence is not None
    table, parity = run.table(), Parity(largest_difference=0, images=0)
    thresholds = thresholds_of(run, table)
    card = _card(run, table, run.pipeline(), evidence, evidence.calibration, thresholds, parity, half=False)
    assert evaluation.segmentation is not None
    for name in ("dice", "iou", "mean_iou"):
        assert card.metrics[name].value == pytest.approx(evaluation.segmentation.overall[name].value)
    assert card.metrics["dice"].n == 6
    assert card.metrics["hd95"].value == pytest.approx(evaluation.segmentation.overall["hd95"].value)
    assert card.tested_on.endswith("; distances in pixels")
    assert card.metrics["accuracy"].n == 8
    assert card.per_class["glioma"].keys() >= {"sensitivity", "dice", "hd95"}
    assert card.analyses["region_occlusion"] == evaluation.analyses["region_occlusion"].conclusions


def test_a_graph_with_other_masks_is_refused(segmentation_model_file: Path, segmentation_run: Run) -> None:
    fit = thresholds_of(segmentation_run, segmentation_run.table()).ood
    assert fit is not None
    pipeline = segmentation_run.pipeline(load(segmentation_model_file).card.temperature, fit.subspace)
    assert check_parity(segmentation_model_file, pipeline, random_images()).largest_mask_difference is not None
    pipeline.network.segment[-1].bias.data += 0.1
    with assert_refused(ParityError, found="differ by .* in a mask pixel on an image of", expected="at most 1e-03"):
        check_parity(segmentation_model_file, pipeline, random_images())


@pytest.fixture
def own_segmentation_run(segmentation_run: Run, tmp_path: Path) -> Run:
    """A copy to write into, as deep as the first, so that its table still finds the images."""
    assert len(segmentation_run.folder.parents) == len((tmp_path / "run").parents)
    return load_run(shutil.copytree(segmentation_run.folder, tmp_path / "run"))
