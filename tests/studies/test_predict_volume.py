"""Geometry of a study: the same tumor from every plane, angle and way of storing it, at its place, in milliliters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.bright_model import bright_model, bright_tumor
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets.phantom import PLANES, PhantomVolume, render_volume
from tumorlens.deploy.predictor import Predictor
from tumorlens.errors import ScanError
from tumorlens.model_card.study_limit import StudyLimit
from tumorlens.scan.finding_rule import FindingRule
from tumorlens.scan.volume import Volume
from tumorlens.studies.measure_findings import label_of
from tumorlens.studies.plane_stack import acquired_stack, nearly_isotropic, stacks_in_all_planes
from tumorlens.studies.predict_volume import predict_volume


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(bright_model(tmp_path_factory.mktemp("model") / "bright.onnx", size=96), threads=1)


def phantom(label: str = "meningioma", seed: int = 2, **options: object) -> PhantomVolume:
    return render_volume(label, seed, **({"size": 96, "slices": 24, "gap": 5.0} | options))  # type: ignore[arg-type]


def center(volume: PhantomVolume) -> np.ndarray:
    return np.asarray((volume.affine @ [*np.argwhere(volume.mask).mean(axis=0), 1])[:3])


@pytest.mark.parametrize("plane", PLANES)
def test_the_finding_is_at_the_place_of_the_tumor_and_has_its_volume(plane: str, predictor: Predictor) -> None:
    drawn = phantom(plane=plane)
    result = predict_volume(predictor, bright_tumor(drawn))
    (finding,) = result.findings
    assert finding.center == pytest.approx(center(drawn), abs=1.0)
    truth = drawn.mask.sum() * np.prod(drawn.spacing) / 1000
    assert finding.ml == pytest.approx(truth, rel=0.15)
    assert finding.label == "glioma"
    assert result.planes == (plane,)
    assert result.positive is True
    assert finding.first_slice <= finding.largest_slice <= finding.last_slice
    held = np.flatnonzero(drawn.mask.any(axis=(1, 2)))
    assert abs(finding.first_slice - held[0]) <= 1
    assert finding.largest_slice == result.labels.astype(bool).sum(axis=(1, 2)).argmax()


def test_three_series_of_one_head_have_one_answer(predictor: Predictor) -> None:
    volumes = [bright_tumor(phantom(plane=plane, gap=3.0, slices=40)) for plane in PLANES]
    findings = [predict_volume(predictor, volume, planes="acquired").findings[0] for volume in volumes]
    milliliters = [one.ml for one in findings]
    assert max(milliliters) < 1.1 * min(milliliters)  # type: ignore[type-var, operator]
    assert np.ptp([one.center for one in findings], axis=0).max() < 1.5


@pytest.mark.parametrize("tilt", [(20.0, 0.0, 0.0), (0.0, 20.0, 0.0), (0.0, 0.0, 20.0), (12.0, -9.0, 15.0)])
def test_an_oblique_series_has_the_finding_at_its_place(tilt: tuple[float, float, float], predictor: Predictor) -> None:
    drawn = phantom(tilt=tilt)
    (finding,) = predict_volume(predictor, bright_tumor(drawn)).findings
    assert finding.center == pytest.approx(center(drawn), abs=1.0)


@pytest.mark.parametrize("axes", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (2, 1, 0)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1), (1, -1, 1)])
def test_the_way_of_storing_voxels_does_not_change_the_answer(
    axes: tuple[int, int, int], flips: tuple[int, int, int], predictor: Predictor
) -> None:
    drawn = phantom(slices=36, gap=4.0)
    volume = bright_tumor(drawn)
    voxels = np.asarray(volume).transpose(axes)[tuple(slice(None, None, flip) for flip in flips)]
    steps = volume.steps[:, list(axes)] * flips
    corner = volume.origins[0] + volume.steps @ ((np.array(volume.size) - 1) * (np.array(flips)[np.argsort(axes)] < 0))
    stored = Volume(
        voxels.shape, corner + np.arange(len(voxels))[:, None] * steps[:, 0], steps[:, 1], steps[:, 2], None,
        np.ascontiguousarray(voxels).__getitem__, volume.path, "test",
    )  # fmt: skip
    (finding,) = predict_volume(predictor, stored, planes="acquired").findings
    assert finding.center == pytest.approx(center(drawn), abs=1.0)
    assert finding.lesion.side == ("left" if center(drawn)[0] > 8 else "right") or abs(center(drawn)[0]) < 12


def test_a_nearly_isotropic_volume_is_predicted_in_three_planes_and_two_decide(predictor: Predictor) -> None:
    drawn = phantom(gap=2.5, slices=56, size=96)
    volume = bright_tumor(drawn)
    assert nearly_isotropic(volume)
    result = predict_volume(predictor, volume)
    assert set(result.planes) == set(PLANES)
    assert result.planes[0] == "axial"
    (finding,) = result.findings
    assert finding.planes == dict.fromkeys(result.planes, True)
    overlap = 2 * (result.mask & (drawn.mask > 0)).sum() / (result.mask.sum() + drawn.mask.sum())
    assert overlap > 0.95
    assert {one.plane for one in result.slices} == set(PLANES)
    assert result.probability is not None
    assert float(result.probability[drawn.mask > 0].mean()) > 0.9


def test_slices_of_other_planes_are_upright_and_come_from_the_same_voxels() -> None:
    volume = bright_tumor(phantom(gap=2.5, slices=56))
    voxels = np.asarray(volume)
    stacks = {stack.plane: stack for stack in stacks_in_all_planes(volume)}
    assert [stack.orientation for stack in stacks.values()] == ["PL", "IL", "IP"]
    for stack in stacks.values():
        back = np.empty_like(voxels)
        stack.turn.apply(back)[...] = np.stack([stack.read(i) for i in range(len(stack))])
        assert np.array_equal(back, voxels)
    assert np.array_equal(acquired_stack(volume).read(7), stacks["axial"].read(7))


def test_pixels_that_are_not_square_are_resampled_and_the_mask_comes_back(predictor: Predictor) -> None:
    drawn = phantom()
    volume = bright_tumor(drawn)
    halved = Volume(
        (24, 48, 96), volume.origins, 2 * volume.row_step, volume.column_step, None,
        lambda index: volume.read(index)[::2], volume.path, "test",
    )  # fmt: skip
    stack = acquired_stack(halved)
    assert stack.scan(stack.read(0)).pixels.shape == (96, 96)
    (finding,) = predict_volume(predictor, halved).findings
    assert finding.center == pytest.approx(center(drawn), abs=2.0)
    assert finding.ml == pytest.approx(drawn.mask.sum() * np.prod(drawn.spacing) / 1000, rel=0.2)


def test_slices_beside_the_head_are_left_out(predictor: Predictor) -> None:
    drawn = bright_tumor(phantom())
    rng = np.random.default_rng(0)
    air = rng.integers(0, 4, (96, 96)).astype(np.uint8)
    longer = Volume(
        (28, 96, 96), drawn.origins[0] + np.arange(28)[:, None] * drawn.slice_step, drawn.row_step, drawn.column_step,
        None, lambda index: drawn.read(index) if index < 24 else air, drawn.path, "test",
    )  # fmt: skip
    result = predict_volume(predictor, longer)
    assert [one.index for one in result.slices] == list(range(24))


def test_a_volume_without_a_head_is_an_error(predictor: Predictor) -> None:
    black = replace(bright_tumor(phantom()), read=lambda index: np.zeros((96, 96), np.uint8))
    with assert_refused(ScanError, found="no slice shows a head", expected="a series of the head"):
        predict_volume(predictor, black)


def test_an_irregular_stack_has_predictions_of_slices_and_is_undetermined(predictor: Predictor) -> None:
    volume = bright_tumor(phantom())
    gap = volume.origins.copy()
    gap[12:] += volume.slice_step
    result = predict_volume(predictor, replace(volume, origins=gap, irregular="not equally spaced"))
    assert (result.positive, result.findings, len(result.slices)) == (None, (), 24)
    assert "not equally spaced" in str(result.undetermined)
    assert any(one.segmented_pixels for one in result.slices)
    assert not result.mask.any()
    with assert_refused(ScanError, found="slices that are not equally spaced"):
        predict_volume(predictor, replace(volume, origins=gap, irregular="not equally spaced"), planes="three")


def test_without_a_spacing_a_finding_has_voxels_and_a_limit_in_ml_cannot_be_compared(predictor: Predictor) -> None:
    volume = replace(bright_tumor(phantom()), spacing_known=False)
    result = predict_volume(predictor, volume)
    (finding,) = result.findings
    assert (finding.ml, finding.long_axis_mm, finding.center) == (None, None, None)
    assert finding.voxels == result.mask.sum()
    assert result.positive is True
    assert predict_volume(predictor, volume, limit=StudyLimit(ml=1.0)).positive is None
    given = predict_volume(predictor, volume.with_spacing((5.0, 2.0, 2.0)))
    assert given.findings[0].ml == pytest.approx(finding.voxels * 20 / 1000)
    assert any("the user gave the spacing 5 x 2 x 2 mm" in flag for flag in given.flags)


@pytest.mark.parametrize(
    ("limit", "positive"),
    [
        (StudyLimit(ml=0.1), True),
        (StudyLimit(ml=1000), False),
        (StudyLimit(tumor_probability=0.95), False),
    ],
)
def test_a_study_is_compared_with_its_limit(limit: StudyLimit, positive: bool, predictor: Predictor) -> None:
    result = predict_volume(predictor, bright_tumor(phantom()), limit=limit)
    assert result.positive is positive
    assert ("no finding above the limit" in result.summary) is not positive
    assert len(result.findings) == 1


def test_a_head_without_a_tumor_is_not_called_healthy(predictor: Predictor) -> None:
    result = predict_volume(predictor, bright_tumor(phantom("no_tumor")))
    assert result.positive is False
    assert "healthy" not in repr(result) + str(result.to_dict())


def test_a_model_without_a_mask_gives_slices_alone(tmp_path: Path) -> None:
    classifier = Predictor(bright_model(tmp_path / "classifier.onnx", segments=False), threads=1)
    result = predict_volume(classifier, bright_tumor(phantom()))
    assert result.positive is None
    assert result.probability is None
    assert len(result.slices) == 24


def test_rule_and_limit_of_the_card_are_used_unless_others_are_given(predictor: Predictor) -> None:
    volume = bright_tumor(phantom())
    assert predict_volume(predictor, volume).rule == FindingRule()
    wide = FindingRule(least_slices=24)
    assert predict_volume(predictor, volume, rule=wide).findings == ()
    carded = Predictor(predictor.path, threads=1)
    carded.card = carded.card.model_copy(update={"finding_rule": wide, "study_limit": StudyLimit(ml=3, set_on="x")})
    result = predict_volume(carded, volume)
    assert (result.rule, result.limit.ml) == (wide, 3)


def test_the_finding_is_weighted_by_its_pixels(predictor: Predictor) -> None:
    result = predict_volume(predictor, bright_tumor(phantom()))
    (finding,) = result.findings
    weights = np.array([one.finding_pixels for one in result.slices])
    p = np.array([one.probabilities["glioma"] for one in result.slices])
    assert finding.probabilities["glioma"] == pytest.approx((weights * p).sum() / weights.sum(), abs=1e-6)
    assert sum(finding.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert weights.sum() == finding.voxels == result.mask.sum()


@pytest.mark.parametrize(
    ("probabilities", "label"),
    [
        ({"glioma": 0.3, "meningioma": 0.25, "no_tumor": 0.45}, "glioma"),
        ({"glioma": 0.3, "meningioma": 0.15, "no_tumor": 0.55}, "no_tumor"),
        ({"glioma": 0.2, "meningioma": 0.6, "no_tumor": 0.2}, "meningioma"),
    ],
)
def test_a_finding_that_is_more_likely_a_tumor_than_none_has_the_class_of_a_tumor(
    probabilities: dict[str, float], label: str
) -> None:
    assert label_of(probabilities) == label
