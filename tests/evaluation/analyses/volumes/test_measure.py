"""Whole volumes are measured where the data are volumes, with patients as units; where they are images, nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import volumes
from tests.fixtures.bright_model import bright_model
from tests.fixtures.dicom_table import bright_phantom, dicom_table, write_nifti
from tumorlens.datasets import open_table, read_table
from tumorlens.datasets.phantom import STUDY_SERIES, phantom_study
from tumorlens.deploy.predictor import Predictor
from tumorlens.evaluation import Evaluation, evaluate
from tumorlens.evaluation.analyses.volumes.result import VolumesResult, volume_evidence
from tumorlens.model_card.study_limit import StudyLimit
from tumorlens.predictions.read_predictions import read_predictions
from tumorlens.scan.nifti import read_nifti_volume
from tumorlens.studies.predict_volume import predict_volume

pytestmark = pytest.mark.usefixtures("plain_charts")


def measured(found: Evaluation) -> VolumesResult:
    result = found.analyses["volumes"]
    assert isinstance(result, VolumesResult)
    return result


def test_counts_and_volumes_are_those_of_the_masks(tmp_path: Path) -> None:
    table = open_table(volumes.write_heads(tmp_path / "heads", tumors=3))
    masks = volumes.write_masks(tmp_path / "masks", tumors=3, shift=1)
    result = measured(evaluate(read_predictions(masks, table), n_resamples=100))
    assert (result.metrics.with_tumor, result.metrics.without_tumor) == (3, 1)
    for i, row in enumerate(result.rows[:3]):
        expected = volumes.ellipsoid(radii=(7, 8, 2.5 + i)).sum() * 12 / 1000
        assert row.case.reference_ml == pytest.approx(expected)
        assert row.case.predicted_ml == pytest.approx(expected)
        assert row.case.surfaces_mm is not None
        assert row.case.surfaces_mm.hd95 == 4
    assert result.metrics.estimates["volume_bias"].value == pytest.approx(0, abs=1e-9)
    assert result.positive_rule == "a study is positive where at least one voxel is segmented"


def test_slices_of_images_have_no_volumes(evaluation: Evaluation) -> None:
    assert "volumes" not in evaluation.analyses


def test_patients_are_the_units_and_a_healthy_head_needs_no_mask(tmp_path: Path) -> None:
    heads = volumes.write_heads(tmp_path / "heads", tumors=2, healthy=2)
    (heads / "head-3_mask.nii.gz").unlink()
    rows = ["volume,mask,patient,label"]
    rows += [f"head-{i}.nii.gz,head-{i}_mask.nii.gz,{'ab'[i == 2]},glioma" for i in range(3)]
    rows += ["head-3.nii.gz,,c,no_tumor"]
    (heads / "heads.csv").write_text("\n".join(rows), encoding="utf-8")
    masks = volumes.write_masks(tmp_path / "masks", tumors=2, healthy=2)
    volumes.save(masks / "head-3.nii.gz", volumes.ellipsoid())  # drawn into a healthy head
    found = evaluate(read_predictions(masks, read_table(heads / "heads.csv")), n_resamples=100)
    result = measured(found)
    known = result.metrics.estimates
    assert (known["study_sensitivity"].n, known["study_sensitivity"].units) == (2, 1)
    assert known["study_specificity"].value == 0.5
    assert known["volume_false_positives"].value == 0.25
    assert result.patients(False) == 2
    assert [row.patient for row in result.rows] == ["heads:a", "heads:a", "heads:b", "heads:c"]
    assert (
        volume_evidence("slice_specificity", known["slice_specificity"]) == "36 slices, 3 patients"
    )  # 48 less 5 and 7
    assert result.rows[3].to_dict(True)["reference_ml"] is None
    assert any("Only 2 volumes of 1 patient with a tumor" in one for one in found.caveats)


def test_without_a_healthy_head_the_caveat_says_what_is_missing(tmp_path: Path) -> None:
    table = open_table(volumes.write_heads(tmp_path / "heads", tumors=2, healthy=0))
    masks = volumes.write_masks(tmp_path / "masks", tumors=2, healthy=0)
    found = evaluate(read_predictions(masks, table), n_resamples=50)
    assert "study_specificity" not in measured(found).metrics.estimates
    assert any("specificity and AUROC are not measured" in one for one in found.caveats)


def test_a_segmenting_model_file_is_measured_on_volumes(tmp_path: Path, segmentation_model_file: Path) -> None:
    table = open_table(volumes.write_heads(tmp_path / "heads"))
    found = evaluate(
        read_predictions(segmentation_model_file, table), n_resamples=50, analyses={"region_occlusion": False}
    )
    result = measured(found)
    assert len(result.rows) == 3
    assert set(result.metrics.estimates) >= {"study_sensitivity", "study_specificity", "volume_dice"}


def test_a_model_that_does_not_segment_says_why_volumes_are_not_measured(tmp_path: Path, model_file: Path) -> None:
    table = open_table(volumes.write_heads(tmp_path / "heads", tumors=1, healthy=1))
    found = evaluate(read_predictions(model_file, table), n_resamples=50, analyses={"region_occlusion": False})
    assert "No mask is predicted" in found.not_measured["volumes"]


def test_a_model_file_is_graded_as_the_study_of_each_volume_is(tmp_path: Path) -> None:
    """The model segments bright voxels alone; a speck in one slice is no finding."""
    heads = tmp_path / "heads"
    for i, tumor in enumerate((volumes.ellipsoid(), volumes.ellipsoid((15, 18, 5), (1, 1, 0.5)))):
        gray = volumes.head(tumor).astype(np.uint8)  # 8 bits are not windowed: the head stays below the threshold
        gray[tumor > 0] = 250
        volumes.save(heads / f"head-{i}.nii.gz", gray)
        volumes.save(heads / f"head-{i}_mask.nii.gz", tumor * (i == 0))
    rows = ["volume,mask,label", *(f"head-{i}.nii.gz,head-{i}_mask.nii.gz,glioma" for i in range(2))]
    (heads / "heads.csv").write_text("\n".join(rows), encoding="utf-8")
    table = read_table(heads / "heads.csv")
    model = bright_model(tmp_path / "bright.onnx")
    found = evaluate(read_predictions(model, table), n_resamples=50, analyses={"region_occlusion": False})
    result = measured(found)
    predictor = Predictor(model)
    for row in result.rows:
        study = predict_volume(predictor, read_nifti_volume(heads / row.volume.removeprefix("heads/")))
        assert row.case.positive == study.positive
        assert row.case.predicted == int(study.mask.sum())
        assert row.case.largest == max((one.voxels for one in study.findings), default=0)
        assert row.predicted == (study.findings[0].label if study.findings else None)
    first, second = (row.case for row in result.rows)
    assert first.positive is True
    assert first.dice > 0.85
    assert (second.positive, second.predicted) == (False, 0)
    assert "findings of studies" in result.rule
    assert str(StudyLimit()) in result.positive_rule
    assert result.metrics.estimates["study_specificity"].value == 1.0


def test_dicom_series_are_measured_as_the_same_heads_in_nifti_files(tmp_path: Path) -> None:
    """With a mask on each slice of a tumor; the head without a tumor has none."""
    phantoms = [bright_phantom("glioma", 1), bright_phantom("glioma", 2), bright_phantom("no_tumor", 3)]
    table = dicom_table(tmp_path / "dicom", phantoms)
    rows = ["volume,mask,label,patient"]
    for i, phantom in enumerate(phantoms):
        write_nifti(tmp_path / "nifti" / f"head-{i}.nii", phantom.voxels, phantom)
        masked = phantom.mask.any() and write_nifti(tmp_path / "nifti" / f"mask-{i}.nii", phantom.mask, phantom).name
        rows.append(f"head-{i}.nii,{masked or ''},{phantom.label},p{i}")
    (tmp_path / "nifti" / "heads.csv").write_text("\n".join(rows), encoding="utf-8")
    model = bright_model(tmp_path / "bright.onnx")
    found, expected = (
        measured(evaluate(read_predictions(model, one), n_resamples=50, analyses={"region_occlusion": False}))
        for one in (table, read_table(tmp_path / "nifti" / "heads.csv"))
    )
    assert not found.left_out
    counts = ("predicted", "reference", "intersection", "tumor", "positive", "largest", "lesions", "slices")
    for one, other in zip(found.rows, expected.rows, strict=True):
        assert [getattr(one.case, name) for name in counts] == [getattr(other.case, name) for name in counts]
        assert one.case.predicted_ml == pytest.approx(other.case.predicted_ml)
        hd95 = [None if case.surfaces_mm is None else case.surfaces_mm.hd95 for case in (one.case, other.case)]
        assert hd95[0] == pytest.approx(hd95[1])
    assert [row.patient for row in found.rows] == ["heads:p0", "heads:p1", "heads:p2"]
    assert [row.case.tumor for row in found.rows] == [True, True, False]
    assert found.rows[0].case.dice > 0.5
    bias = [one.metrics.estimates["volume_bias"].value for one in (found, expected)]
    assert bias[0] == pytest.approx(bias[1])


def test_series_that_are_said_to_be_healthy_are_measured_as_studies(tmp_path: Path) -> None:
    """A folder of DICOM files states no class; `--unannotated negative` says that none shows a tumor."""
    folder = phantom_study(tmp_path / "study", label="no_tumor", slices=8, size=64, series=STUDY_SERIES[2:4])
    table = open_table(folder, unannotated="negative")
    model = bright_model(tmp_path / "bright.onnx")
    result = measured(evaluate(read_predictions(model, table), n_resamples=50, analyses={"region_occlusion": False}))
    assert (result.metrics.without_tumor, len(result.rows)) == (2, 2)
    assert "study_specificity" in result.metrics.estimates
    for row in result.rows:
        assert row.case.positive is not None
        assert row.case.reference is None


def test_a_volume_that_is_none_in_3d_is_counted_with_its_reason(tmp_path: Path) -> None:
    table = dicom_table(tmp_path / "dicom", [bright_phantom("glioma", 1), bright_phantom("no_tumor", 3)])
    gap = [sample.id for sample in table.volumes["head-1"]][4:6]
    found = evaluate(
        read_predictions(bright_model(tmp_path / "bright.onnx"), table.filter(lambda sample: sample.id not in gap)),
        n_resamples=50,
        analyses={"region_occlusion": False},
    )
    assert len(measured(found).rows) == 1
    assert found.to_dict()["analyses"]["volumes"]["left_out"] == {"slices that are not equally spaced": 1}
    assert "1 volume is not measured in 3D: slices that are not equally spaced." in found.caveats


def test_each_slice_of_a_volume_is_predicted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the study that it is in; the results are those of the slice alone."""
    table = dicom_table(tmp_path / "dicom", [bright_phantom("glioma", 1), bright_phantom("no_tumor", 3)])
    model = bright_model(tmp_path / "bright.onnx")
    run, images = Predictor._run, []

    def counted(self: Predictor, batch: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        images.extend(batch)
        return run(self, batch, names)

    monkeypatch.setattr(Predictor, "_run", counted)
    found = read_predictions(model, table)
    assert len(images) == len(table)
    predictor = Predictor(model)
    for i, (sample, mask) in enumerate(zip(found.table, found.masks, strict=True)):
        alone = predictor.predict(sample.image)
        assert found.probabilities[i].tolist() == pytest.approx(list(alone.probabilities.values()))
        assert alone.mask is not None
        assert (mask.unpack() == alone.mask).all()
    assert found.thresholds is not None
