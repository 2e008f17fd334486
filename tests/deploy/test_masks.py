"""A bundle of a network that segments draws as the network does, at the size of the scan, and without torch."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.fixtures import scans
from tumorlens._record import Record
from tumorlens.deploy.evidence import measured
from tumorlens.deploy.export import _card
from tumorlens.deploy.parity import check_parity, random_images
from tumorlens.deploy.prediction import Tumor
from tumorlens.deploy.predictor import load
from tumorlens.errors import ParityError
from tumorlens.evaluation import evaluate, infer, thresholds_of, write_evaluation
from tumorlens.model_card.card import Parity
from tumorlens.models import cost
from tumorlens.scan import read_scan
from tumorlens.training import Run, load_run


def images(phantoms: Path) -> list[Path]:
    return sorted((phantoms / "images").iterdir())


def test_the_mask_is_the_one_that_was_evaluated(segmentation_model_file: Path, segmentation_run: Run) -> None:
    samples = segmentation_run.table().subset("test").samples
    wanted: list[np.ndarray] = []
    infer(segmentation_run.pipeline(), samples, drawn=lambda _, mask, __: wanted.append(mask))
    predictor = load(segmentation_model_file)
    assert sum(mask.any() for mask in wanted) >= 4
    for sample, mask in zip(samples, wanted, strict=True):
        found = predictor.predict(sample.image).mask
        assert found is not None
        assert found.dtype == np.uint8
        assert (found != mask).mean() < 1e-3


@pytest.mark.parametrize("image", random_images(seed=3), ids=lambda p: f"{p.shape[0]}x{p.shape[1]}")
def test_the_mask_has_the_size_of_the_image(segmentation_model_file: Path, image: np.ndarray) -> None:
    found = load(segmentation_model_file).predict(image).mask
    assert found is not None
    assert found.shape == image.shape
    assert set(np.unique(found)) <= {0, 1}


def test_area_and_box_are_those_of_the_mask(segmentation_model_file: Path, phantoms: Path) -> None:
    predictor = load(segmentation_model_file)
    scan = read_scan(images(phantoms)[0])
    answer = predictor.predict(replace(scan, spacing=(0.5, 2.0)))
    assert answer.mask is not None
    assert answer.tumor is not None
    assert answer.tumor.pixels == answer.mask.sum() > 0
    assert answer.tumor.mm2 == pytest.approx(answer.tumor.pixels * 0.5 * 2.0)
    assert answer.tumor.box is not None
    top, left, height, width = answer.tumor.box
    part = answer.mask[top : top + height, left : left + width]
    assert part.sum() == answer.mask.sum()
    assert all(edge.any() for edge in (part[0], part[-1], part[:, 0], part[:, -1]))
    assert answer.tumor.largest is not None
    assert answer.to_dict()["tumor"] == {
        "pixels": answer.tumor.pixels,
        "mm2": answer.tumor.mm2,
        "box": [top, left, height, width],
        "lesions": answer.tumor.lesions,
        "largest": answer.tumor.largest.to_dict(),
    }
    assert answer.spacing_from == "file"
    assert predictor.predict(scan).to_dict()["tumor"]["mm2"] is None


def test_nothing_drawn_has_no_place(segmentation_model_file: Path, phantoms: Path) -> None:
    answer = load(segmentation_model_file).predict(images(phantoms)[0])
    nothing = replace(answer, mask=np.zeros((4, 6), np.uint8), spacing=(1.0, 1.0))
    assert nothing.tumor == Tumor(0, 0.0, None, 0, None)
    assert str(nothing.tumor) == "no tumor drawn"
    assert replace(answer, mask=None).tumor is None


def test_a_bundle_that_only_names_draws_nothing(model_file: Path) -> None:
    assert not load(model_file).card.segments
    assert load(model_file).card.parity.largest_mask_difference is None
    assert load(model_file).predict(scans.GRAY).mask is None


def test_the_card_counts_the_network_in_use_and_the_file_holds_no_more(segmentation_model_file: Path, segmentation_run: Run) -> None:
    card = load(segmentation_model_file).card
    network = segmentation_run.network()
    spare = sum(p.numel() for module in network.training_only() for p in module.parameters())
    assert spare > 0
    assert card.parameters == sum(p.numel() for p in network.parameters()) - spare
    assert card.parameters == cost("efficient_mtnet_s", 4, input_size=64).parameters
    held = onnx.load(segmentation_model_file).graph.initializer
    assert sum(int(np.prod(one.dims)) for one in held) < card.parameters + spare / 2
    assert not [one.name for one in held if "auxiliary" in one.name]


def test_the_card_says_that_it_draws_and_how_closely_masks_agree(segmentation_model_file: Path) -> None:
    card = load(segmentation_model_file).card
    assert card.segments
    assert not card.heatmap
    assert card.parity.largest_mask_difference is not None
    assert card.parity.largest_mask_difference <= 1e-3
    assert card.parity.mask_pixels_differ is not None
    assert card.parity.mask_pixels_differ < 1e-2


def test_figures_of_the_mask_travel_with_the_bundle(own_segmentation_run: Run) -> None:
    found = evaluate(own_segmentation_run, n_resamples=100)
    write_evaluation(own_segmentation_run, found, own_segmentation_run.folder / "evaluations" / "test", Record("evaluate"))
    run, known = own_segmentation_run, measured(own_segmentation_run)
    assert known is not None
    table, parity = run.table(), Parity(largest_difference=0, images=0)
    card = _card(run, table, run.pipeline(), known, known.calibration, thresholds_of(run, table), parity, half=False)
    assert found.segmentation is not None
    for name in ("dice", "iou", "mean_iou"):
        assert card.metrics[name]["value"] == pytest.approx(found.segmentation.overall[name].value)
    assert card.metrics["dice"]["n"] == 6
    assert card.metrics["hd95"]["value"] == pytest.approx(found.segmentation.overall["hd95"].value)
    assert card.tested_on.endswith("; distances in pixels")
    assert card.metrics["accuracy"]["n"] == 8
    assert card.per_class["glioma"].keys() >= {"sensitivity", "dice", "hd95"}
    assert found.background is not None
    assert list(card.analyses) == [test.meaning for test in found.background.tests]


def test_a_graph_that_draws_differently_is_found_out(segmentation_model_file: Path, segmentation_run: Run) -> None:
    learned = thresholds_of(segmentation_run, segmentation_run.table()).ood
    assert learned is not None
    pipeline = segmentation_run.pipeline(load(segmentation_model_file).card.temperature, learned.subspace)
    assert check_parity(segmentation_model_file, pipeline, random_images()).largest_mask_difference is not None
    pipeline.network.segment[-1].bias.data += 0.1
    with pytest.raises(ParityError, match=r"differ by .* in a pixel of the mask on an image of .* at most 1e-03"):
        check_parity(segmentation_model_file, pipeline, random_images())


@pytest.fixture
def own_segmentation_run(segmentation_run: Run, tmp_path: Path) -> Run:
    """A copy to write into, as deep as the first, so that its table still finds the images."""
    assert len(segmentation_run.folder.parents) == len((tmp_path / "run").parents)
    return load_run(shutil.copytree(segmentation_run.folder, tmp_path / "run"))
