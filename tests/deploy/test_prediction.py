"""A prediction measures its mask, and flags a disagreement of mask and class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tumorlens.deploy.prediction import Prediction
from tumorlens.deploy.predictor import load
from tumorlens.scan import Mask, Scan


def mask_of(*boxes: tuple[int, int, int, int]) -> Mask:
    """A mask of 100 x 120 pixels with filled boxes: top, left, height, width."""
    mask = np.zeros((100, 120), np.uint8)
    for top, left, height, width in boxes:
        mask[top : top + height, left : left + width] = 1
    return mask


def prediction(
    mask: Mask | None, spacing: tuple[float, float] | None = None, orientation: str | None = None
) -> Prediction:
    return Prediction(
        source="scan.png",
        gray=np.full((100, 120), 90, np.uint8),
        label="glioma",
        probabilities={"glioma": 0.9, "no_tumor": 0.1},
        heatmap=None,
        mask=mask,
        size=(100, 120),
        spacing=spacing,
        model="default",
        milliseconds=1.0,
        orientation=orientation,
        spacing_source="file" if spacing else None,
    )


def test_the_measurements_are_printed_in_one_line() -> None:
    one, two = mask_of((10, 20, 4, 31)), mask_of((10, 20, 4, 31), (60, 60, 3, 3))
    assert str(prediction(one).tumor) == "124 px segmented as tumor, diameters 30.1 x 3.0 px"
    assert str(prediction(one, (1.0, 0.5)).tumor) == "62 mm2 segmented as tumor, diameters 15.3 x 3.0 mm"
    several = "133 px segmented as tumor in 2 components, diameters of the largest 30.1 x 3.0 px"
    assert str(prediction(two).tumor) == several
    assert str(prediction(one, orientation="PL").tumor).endswith("30.1 x 3.0 px, on the right")
    assert str(prediction(mask_of((10, 58, 4, 4)), orientation="PL").tumor).endswith(" px, on the midline")
    assert str(prediction(mask_of()).tumor) == "no tumor segmented"
    assert prediction(None).tumor is None


def test_the_area_is_of_the_whole_mask_and_the_diameters_are_of_the_largest_component() -> None:
    found = prediction(mask_of((10, 20, 4, 31), (60, 60, 3, 3)), (2.0, 0.5), "PL").to_dict()["tumor"]
    largest = found["largest"]
    assert (found["pixels"], found["mm2"], found["box"], found["lesions"]) == (133, 133.0, [10, 20, 53, 43], 2)
    assert (largest["pixels"], largest["mm2"], largest["box"]) == (124, 124.0, [10, 20, 4, 31])
    assert largest["centroid"] == [11.5, 35.0]
    assert largest["side"] == "right"
    assert largest["diameter"] == {
        "pixels": pytest.approx(30.15, abs=0.01),
        "mm": pytest.approx(np.hypot(6, 15), abs=0.01),
        "start": [10, 20],
        "end": [13, 50],
    }


@pytest.mark.parametrize(
    ("label", "boxes", "consistent"),
    [
        ("glioma", [(10, 20, 4, 31)], True),
        ("glioma", [], False),
        ("no_tumor", [(10, 20, 4, 31)], False),
        ("no_tumor", [], True),
    ],
)
def test_a_disagreement_of_classification_and_segmentation_is_flagged(
    label: str, boxes: list[tuple[int, int, int, int]], consistent: bool
) -> None:
    found = replace(prediction(mask_of(*boxes)), label=label)
    assert found.consistent is found.to_dict()["consistent"] is consistent
    assert replace(found, mask=None).consistent is None
    assert found.flags == ([] if consistent else ["classification and segmentation disagree"])
    assert replace(found, mask=None).flags == []
    uncertain = replace(found, prediction_set=())
    assert uncertain.flags == [*found.flags, "uncertain: the prediction set is empty"]


def test_islands_are_neither_drawn_nor_measured_nor_taken_for_a_tumor() -> None:
    tumor, island = (10, 20, 4, 31), (60, 60, 1, 5)  # an island has fewer than 6 of 100 x 120 pixels
    both, one, alone = (prediction(mask_of(*boxes)) for boxes in ((tumor, island), (tumor,), (island,)))
    assert both.tumor is not None
    assert one.tumor is not None
    assert both.tumor == replace(one.tumor, islands=1)
    assert str(both.tumor) == f"{one.tumor} (1 island left out)"
    assert both.overlay().tobytes() == one.overlay().tobytes()
    assert both.mask is not None
    assert both.mask.sum() == one.tumor.pixels + 5  # the mask has every pixel
    assert alone.tumor is not None
    assert (alone.tumor.pixels, alone.tumor.box, alone.tumor.largest, alone.tumor.islands) == (0, None, None, 1)
    assert str(alone.tumor) == "no tumor segmented (1 island left out)"
    assert alone.consistent is False
    assert alone.overlay().tobytes() == prediction(mask_of()).overlay().tobytes()


def test_without_a_spacing_there_are_no_millimeters() -> None:
    found = prediction(mask_of((10, 20, 4, 31))).to_dict()
    assert (found["spacing"], found["spacing_source"]) == (None, None)
    largest = found["tumor"]["largest"]
    assert found["tumor"]["mm2"] is largest["mm2"] is largest["diameter"]["mm"] is None
    assert found["tumor"]["largest"]["side"] is None


def test_a_spacing_from_the_user_is_marked_and_never_replaces_the_one_of_the_file() -> None:
    given = prediction(mask_of((10, 20, 4, 31))).with_spacing(0.5, 0.5)
    assert (given.spacing, given.spacing_source) == ((0.5, 0.5), "user")
    assert given.tumor is not None
    assert given.tumor.mm2 == 124 * 0.25
    own = prediction(mask_of(), (0.9, 0.9))
    assert own.with_spacing(0.5, 0.5) is own


def test_spacing_and_orientation_come_from_the_scan(segmentation_model_file: Path) -> None:
    gray = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    scan = Scan(gray, Path("made"), "made", "L", spacing=(5.0, 0.5, 0.8), orientation="SPL")
    found = load(segmentation_model_file).predict(scan)
    assert found.tumor is not None
    assert found.tumor.largest is not None
    assert found.tumor.mm2 == pytest.approx(found.tumor.pixels * 0.4)
    assert found.tumor.largest.side in ("left", "right", "midline")
    data = found.to_dict()
    assert (data["spacing"], data["spacing_source"], data["orientation"]) == ([5.0, 0.5, 0.8], "file", "SPL")


def test_the_repr_is_one_line_with_class_tumor_and_flag() -> None:
    assert repr(prediction(None)) == "Prediction(scan.png: glioma 90.0 %)"
    assert repr(prediction(mask_of((10, 20, 4, 31)))) == "Prediction(scan.png: glioma 90.0 %, 124 px tumor)"
    flagged = replace(prediction(mask_of()), ood=True)
    assert repr(flagged) == "Prediction(scan.png: glioma 90.0 %, no tumor segmented, out of distribution)"


def test_a_notebook_shows_the_image_the_probabilities_and_the_flags() -> None:
    html = replace(prediction(mask_of()), source="<b>.png", ood=True, ood_score=2.5)._repr_html_()
    assert '<img src="data:image/png;base64,' in html
    assert "&lt;b&gt;.png" in html
    assert "<b>.png" not in html
    for text in (
        "90.0 %",
        "10.0 %",
        "2.50",
        "classification and segmentation disagree",
        "out of distribution",
        "research",
    ):
        assert text in html


def test_the_overlay_draws_the_contour_and_the_diameters_but_nothing_without_a_mask() -> None:
    plain = np.asarray(prediction(None).overlay())
    np.testing.assert_array_equal(plain, 90)
    drawn = np.asarray(prediction(mask_of((10, 20, 14, 31))).overlay())
    changed = (drawn != 90).any(axis=2)
    assert changed[10, 20:51].all()
    assert not changed[:10].any()
    assert changed[11:23, 21:50].any()  # the diameters
