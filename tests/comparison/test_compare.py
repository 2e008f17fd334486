"""Two runs are compared on the same test images; errors and caveats name what limits the comparison."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens._record import Record
from tumorlens.comparison.compare import compare
from tumorlens.errors import DataError, RunError
from tumorlens.evaluation.evaluate_any import evaluate
from tumorlens.evaluation.evaluation_files import write_evaluation
from tumorlens.training import Run, load_run

Row = dict[str, str]
Change = Callable[[list[Row]], list[Row]]


@pytest.fixture(scope="module")
def evaluated(evaluated_run: Run) -> Path:
    return evaluated_run.folder


@pytest.fixture
def runs(evaluated: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The same run twice, as `first` and `second`."""
    return shutil.copytree(evaluated, tmp_path / "first"), shutil.copytree(evaluated, tmp_path / "second")


def edit_predictions(run: Path, change: Change) -> None:
    """Change the predictions of a run."""
    path = run / "evaluations" / "test" / "predictions.csv"
    with path.open(newline="") as stream:
        rows = change(list(csv.DictReader(stream)))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def correct(count: int) -> Change:
    """The first `count` images are classified correctly, the others are not."""

    def change(rows: list[Row]) -> list[Row]:
        for i, row in enumerate(rows):
            row["predicted"] = row["label"] if i < count else "other class"
        return rows

    return change


def edit(run: Path, name: str, **facts: object) -> None:
    path = run / name
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_the_difference_is_that_of_the_two_accuracies(runs: tuple[Path, Path]) -> None:
    edit_predictions(runs[0], correct(2))
    edit_predictions(runs[1], correct(7))
    found = compare(*map(load_run, runs))
    assert (found.first.name, found.second.name) == ("first", "second")
    assert found.accuracy.value == pytest.approx(5 / 8)
    assert found.accuracy.value == pytest.approx(found.second.accuracy.value - found.first.accuracy.value)
    assert (found.accuracy.n, found.accuracy.units, found.accuracy.unit) == (8, 4, "patient")
    assert (found.first.only_correct, found.second.only_correct) == (0, 5)
    assert found.facts is not None
    assert found.facts.data == "phantom"
    plain = found.to_dict()
    assert list(plain)[:6] == ["schema_version", "data", "data_fingerprint", "subset", "n_resamples", "seed"]
    assert list(plain["first"])[:6] == ["name", "model", "recipe", "training_seed", "weights", "split_hash"]
    assert json.loads(json.dumps(found.to_dict()))["mcnemar"]["only_second_correct"] == 5


def test_the_order_of_the_rows_does_not_matter(runs: tuple[Path, Path]) -> None:
    edit_predictions(runs[0], correct(3))
    edit_predictions(runs[1], correct(6))
    straight = compare(*map(load_run, runs))
    edit_predictions(runs[1], lambda rows: rows[::-1])
    assert compare(*map(load_run, runs)).accuracy == straight.accuracy


def test_few_patients_one_training_and_dependent_images_are_caveats(runs: tuple[Path, Path]) -> None:
    caveats = compare(*map(load_run, runs)).caveats
    assert len(caveats) == 3
    for text, words in zip(caveats, ("Only 4 test patients", "McNemar's test assumes", "one training"), strict=True):
        assert words in text


def test_other_test_images_are_an_error_that_counts_the_common_ones(runs: tuple[Path, Path]) -> None:
    edit_predictions(runs[1], lambda rows: rows[:6])
    with assert_refused(RunError, found="different images, 8 and 6, of which 6 are common", advice="add --common"):
        compare(*map(load_run, runs))
    found = compare(*map(load_run, runs), common=True)
    assert found.accuracy.n == 6
    assert any("the comparison uses the 6 common images" in text for text in found.caveats)


def test_runs_without_a_common_image_cannot_be_compared(runs: tuple[Path, Path]) -> None:
    edit_predictions(runs[1], lambda rows: [row | {"id": f"other/{i}"} for i, row in enumerate(rows)])
    with assert_refused(RunError, found="0 are common$", advice="^evaluate both on one set"):
        compare(*map(load_run, runs), common=True)


def test_test_images_that_the_other_run_was_trained_on_are_counted(runs: tuple[Path, Path]) -> None:
    with (runs[1] / "split.csv").open(newline="") as stream:
        next(stream)
        trained_on = [row for row in csv.DictReader(stream) if row["split"] == "train"][:3]

    def change(rows: list[Row]) -> list[Row]:
        seen = [row | {key: other[key] for key in ("id", "group", "label")}
                for row, other in zip(rows, trained_on, strict=False)]  # fmt: skip
        return [*seen, *rows[3:]]

    edit_predictions(runs[0], change)
    caveats = compare(*map(load_run, runs), common=True).caveats
    assert caveats[0] == (
        "3 of the 8 images that first was tested on were in the training or validation subset of second; "
        "they are not compared."
    )


def test_compared_images_of_patients_from_training_are_counted(runs: tuple[Path, Path]) -> None:
    with (runs[0] / "split.csv").open(newline="") as stream:
        next(stream)
        patient = next(row["group"] for row in csv.DictReader(stream) if row["split"] == "train")
    for run in runs:
        edit_predictions(run, lambda rows: [rows[0] | {"group": patient}, *rows[1:]])
    caveats = compare(*map(load_run, runs)).caveats
    for run, text in zip(("first", "second"), caveats, strict=False):
        assert text.startswith(f"{run} was trained or validated on 1 of the 8 compared images or on their patients")


def test_other_splits_data_leaks_and_validation_subsets_are_caveats(runs: tuple[Path, Path]) -> None:
    leakage = {"with_duplicate_in_train": 5, "with_patient_in_train": 2, "images": 8, "conclusions": [], "caveats": []}
    edit(
        runs[1],
        "evaluations/test/evaluation.json",
        split_hash="0" * 64,
        data_fingerprint="1" * 32,
        analyses={"leakage": leakage},
        subset="val",
    )
    caveats = " ".join(compare(*map(load_run, runs)).caveats)
    for words in ("different splits", "00000000", "The data differ", "11111111", "validation"):
        assert words in caveats
    assert "second: 5 of its 8 test images have a duplicate in its training subset, and 2 show a patient" in caveats


def test_an_unevaluated_run_is_an_error_with_the_command(runs: tuple[Path, Path]) -> None:
    shutil.rmtree(runs[1] / "evaluations" / "test")
    with assert_refused(
        RunError, file="second/evaluations/test$", found=".* not found", advice="run: tumorlens evaluate .*second"
    ):
        compare(*map(load_run, runs))


def test_an_evaluation_of_other_weights_is_refused(runs: tuple[Path, Path]) -> None:
    edit(runs[0], "evaluations/test/evaluation.json", weights="0" * 64)
    with assert_refused(RunError, found="made with other weights than the run has now"):
        compare(*map(load_run, runs))


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_evaluation_is_an_error_of_one_line(text: str, runs: tuple[Path, Path]) -> None:
    (runs[0] / "evaluations" / "test" / "evaluation.json").write_text(text)
    with assert_refused(RunError, file="first/evaluations/test$", found="^damaged ", advice="run: tumorlens evaluate"):
        compare(*map(load_run, runs))


def test_different_labels_of_one_image_are_an_error(runs: tuple[Path, Path]) -> None:
    edit_predictions(runs[1], lambda rows: [rows[0] | {"label": "stroke"}, *rows[1:]])
    with assert_refused(DataError, found="1 of 8 images have another label in the other run.* stroke"):
        compare(*map(load_run, runs))


def test_a_run_is_not_compared_with_itself(runs: tuple[Path, Path]) -> None:
    with assert_refused(RunError, found="given twice"):
        compare(load_run(runs[0]), load_run(runs[0]))


def test_an_evaluation_on_other_data_is_compared_by_its_name(runs: tuple[Path, Path]) -> None:
    for run in runs:
        (run / "evaluations" / "test").rename(run / "evaluations" / "hospital")
    assert compare(*map(load_run, runs), evaluation="hospital").accuracy.n == 8


@pytest.fixture(scope="module")
def measured(segmentation_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured") / "run"
    shutil.copytree(segmentation_run.folder, folder, ignore=shutil.ignore_patterns("checkpoints", "tensorboard"))
    write_evaluation(
        segmentation_run,
        evaluate(segmentation_run, n_resamples=100),
        folder / "evaluations" / "test",
        Record("evaluate"),
    )
    return folder


@pytest.fixture
def segmenting(measured: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The same segmentation run twice, as `first` and `second`."""
    return shutil.copytree(measured, tmp_path / "first"), shutil.copytree(measured, tmp_path / "second")


def better(rows: list[Row]) -> list[Row]:
    """Halve the error of every predicted mask."""
    for row in rows:
        if row["dice"]:
            row["dice"] = str((1 + float(row["dice"])) / 2)
            row["hd95"] = str(float(row["hd95"]) / 2)
    return rows


def test_segmentation_runs_are_compared_by_dice_and_hd95(segmenting: tuple[Path, Path]) -> None:
    edit_predictions(segmenting[1], better)
    found = compare(*map(load_run, segmenting))
    assert found.segmentation is not None
    one, two, difference = found.segmentation.first, found.segmentation.second, found.segmentation.difference
    assert two["dice"].value == pytest.approx((1 + one["dice"].value) / 2, abs=1e-5)
    assert difference["dice"].value == pytest.approx(two["dice"].value - one["dice"].value)
    assert difference["hd95"].value == pytest.approx(-one["hd95"].value / 2, abs=1e-5)
    assert (difference["dice"].n, difference["dice"].units, difference["dice"].unit) == (6, 3, "patient")
    assert difference["dice"].low > 0
    plain = json.loads(json.dumps(found.to_dict()))["segmentation"]
    assert (plain["masks"], plain["distance_unit"]) == (6, "pixels")
    assert plain["conclusion"].endswith("excludes 0: second segments better than first.")
    reversed_ = compare(*map(load_run, segmenting[::-1]))
    assert reversed_.segmentation.difference["dice"].value == pytest.approx(-difference["dice"].value)


def test_an_interval_with_zero_shows_no_difference_in_dice(segmenting: tuple[Path, Path]) -> None:
    def other(rows: list[Row]) -> list[Row]:
        for i, row in enumerate(rows):
            if row["dice"]:
                row["dice"] = str(float(row["dice"]) + (0.1 if i % 4 < 2 else -0.1))
        return rows

    edit_predictions(segmenting[1], other)
    found = compare(*map(load_run, segmenting))
    assert found.segmentation is not None
    conclusion = found.segmentation.conclusion("first", "second")
    assert conclusion.startswith("The interval of the difference in Dice includes 0: no difference is shown.")


def test_classification_runs_have_no_segmentation_difference(runs: tuple[Path, Path]) -> None:
    found = compare(*map(load_run, runs))
    assert found.segmentation is None
    assert found.to_dict()["segmentation"] is None


def test_different_reference_masks_are_a_caveat_and_not_compared(segmenting: tuple[Path, Path]) -> None:
    def other(rows: list[Row]) -> list[Row]:
        masked = next(row for row in rows if row["dice"])
        masked["reference_pixels"] = str(int(masked["reference_pixels"]) + 1)
        return rows

    edit_predictions(segmenting[1], other)
    found = compare(*map(load_run, segmenting))
    assert found.segmentation is None
    assert any("the reference masks of these images differ" in text for text in found.caveats)


def test_bounding_box_masks_are_a_caveat(segmenting: tuple[Path, Path]) -> None:
    for run in segmenting:
        path = run / "evaluations" / "test" / "evaluation.json"
        written = json.loads(path.read_text())
        written["segmentation"]["boxes"] = 4
        path.write_text(json.dumps(written))
    assert any("how well a run finds boxes" in text for text in compare(*map(load_run, segmenting)).caveats)


def test_distances_in_different_units_are_not_compared(segmenting: tuple[Path, Path]) -> None:
    path = segmenting[1] / "evaluations" / "test" / "evaluation.json"
    written = json.loads(path.read_text())
    written["segmentation"]["distance_unit"] = "mm"
    path.write_text(json.dumps(written))
    found = compare(*map(load_run, segmenting))
    assert found.segmentation is not None
    assert list(found.segmentation.difference) == ["dice"]


def test_the_repr_is_one_line_with_the_difference(runs: tuple[Path, Path]) -> None:
    found = compare(load_run(runs[0]), load_run(runs[1]))
    assert repr(found).startswith(f"Comparison({runs[1].name} - {runs[0].name}: ")
    assert "points (" in repr(found)
    assert "\n" not in repr(found)
