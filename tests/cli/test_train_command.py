"""tumorlens train: what it prints after a training, a cross-validation and an ablation, and what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest

from tumorlens.cli import main
from tumorlens.cli.common import ExitCode
from tumorlens.comparison import compare
from tumorlens.datasets import Table, write_table
from tumorlens.evaluation import Evaluation
from tumorlens.experiments.ablation import Ablation, AblationFacts, Variant, VariantResult, run_ablation
from tumorlens.experiments.cross_validation.folds import cross_validate
from tumorlens.experiments.cross_validation.pooled_result import CrossValidation, Fold
from tumorlens.stats.conformal import PredictionSets
from tumorlens.training import Run, load_recipe, load_run, train

pytestmark = pytest.mark.usefixtures("plain_charts")


def test_training_on_an_image_level_split_prints_a_caveat(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = [v for value in ("input.size=32", "epochs=1", "batch_size=4") for v in ("--set", value)]
    image_level = ["--split-by", "image", "--folds", "2"]
    assert (
        main(["train", str(phantoms), "--out-dir", str(tmp_path / "run"), "--recipe", "demo", *small, *image_level])
        == 0
    )
    printed = capsys.readouterr()
    assert "caveat: patients are split across subsets (--split-by image)" in printed.err
    assert printed.out.startswith("kept epoch 1")
    assert f"next: tumorlens evaluate {tmp_path / 'run'}" in printed.err


def test_training_with_masks_reports_how_many_are_missing(
    phantom_table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    glioma = tuple(replace(s, mask=None) if s.label == "glioma" else s for s in phantom_table.samples)
    write_table(replace(phantom_table, samples=glioma), tmp_path / "split.csv")
    small = [v for value in ("input.size=64", "epochs=1", "batch_size=4") for v in ("--set", value)]
    words = ["train", str(tmp_path / "split.csv"), "--recipe", "efficient_mtnet_s", "--out-dir", str(tmp_path / "run")]
    assert main([*words, *small]) == 0
    printed = capsys.readouterr()
    assert "validation Dice 0." in printed.out
    assert "caveat: 2 of 8 train images have no mask and count for their class alone" in printed.err
    assert "caveat: 2 of 8 val images have no mask" in printed.err

    bare = tuple(replace(s, mask=None) for s in phantom_table.samples)
    write_table(replace(phantom_table, samples=bare), tmp_path / "bare.csv")
    words = ["train", str(tmp_path / "bare.csv"), "--recipe", "efficient_mtnet", "--out-dir", str(tmp_path / "other")]
    assert main(words) == 1
    assert "none of the 8 training images of phantom has a mask" in capsys.readouterr().err


def test_a_run_in_json_is_its_record(
    phantom_table: Table,
    finished_run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {}

    def trained(table: Table, recipe: Any, folder: Path, **options: Any) -> Run:
        given.update(options, table=table, recipe=recipe, folder=folder)
        return finished_run

    monkeypatch.setattr("tumorlens.training.train", create_autospec(train, side_effect=trained))
    write_table(phantom_table, tmp_path / "split.csv")
    words = ["train", str(tmp_path / "split.csv"), "--keep-split", "--recipe", "demo", "--set", "epochs=7"]
    assert main([*words, "--pretrained", "none", "--seed", "5", "-o", str(tmp_path / "run"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == finished_run.record.to_dict() | {"folder": str(finished_run.folder)}
    assert (given["seed"], given["resume"], given["allow_leak"]) == (5, False, False)
    assert (given["recipe"].epochs, given["recipe"].pretrained) == (7, "none")
    assert given["folder"] == tmp_path / "run"
    assert [sample.split for sample in given["table"]] == [sample.split for sample in phantom_table]


def test_a_network_without_a_test_subset_is_to_be_exported(
    phantoms: Path,
    finished_run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = {name: count for name, count in finished_run.record.counts.items() if name != "test"}
    record = finished_run.record.model_copy(update={"counts": counts})
    tables: list[Table] = []

    def trained(table: Table, *_: Any, **__: Any) -> Run:
        tables.append(table)
        return replace(finished_run, record=record)

    monkeypatch.setattr("tumorlens.training.train", trained)
    words = ["train", str(phantoms), "--fold", "none", "--val", "0.25", "--recipe", "demo", "-o", str(tmp_path / "run")]
    assert main(words) == 0
    assert f"next: tumorlens export {finished_run.folder}" in capsys.readouterr().err
    assert {sample.split for sample in tables[0]} == {"train", "val"}


def test_the_folds_of_a_cross_validation_and_their_metrics_together_are_printed(
    phantoms: Path,
    evaluated_run: Run,
    evaluation: Evaluation,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folds = tuple(Fold(number, evaluated_run, evaluation) for number in range(2))
    found = CrossValidation(folds, evaluation, (1.0, 1.0), PredictionSets({}, "patient"))
    given: dict[str, Any] = {}

    def crossed(table: Table, recipe: Any, folder: Path, **options: Any) -> CrossValidation:
        given.update(options, plan=table.plan)
        return found

    checked = create_autospec(cross_validate, side_effect=crossed)
    monkeypatch.setattr("tumorlens.experiments.cross_validation.folds.cross_validate", checked)
    out = tmp_path / "folds"
    words = [
        "train",
        str(phantoms),
        "--fold",
        "all",
        "--folds",
        "2",
        "--val",
        "0.2",
        "--split-seed",
        "9",
        "-o",
        str(out),
    ]
    assert main(words) == 0
    assert (given["folds"], given["val"], given["split_seed"], given["plan"]) == (2, 0.2, 9, None)
    printed = capsys.readouterr()
    accuracy = evaluation.metrics.overall["accuracy"].percent()
    rows = [line for line in printed.out.splitlines() if accuracy in line and line.strip()[:1].isdigit()]
    assert [row.split()[:2] for row in rows] == [[str(fold), str(len(evaluation.samples))] for fold in range(2)]
    validation = evaluated_run.record.validation["val_accuracy"]
    assert f"over all folds validation accuracy {100 * validation:.1f} %" in printed.out
    assert f"written: {out / 'report.html'}" in printed.err
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["folder"] == str(out)


def test_an_ablation_is_one_table_and_a_variant_that_failed_gives_exit_code_1(
    phantoms: Path,
    evaluated_run: Run,
    evaluation: Evaluation,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accuracy = evaluation.metrics.overall["accuracy"]
    leaky = replace(evaluated_run, record=evaluated_run.record.model_copy(update={"empty_masks": ("a/1.png",)}))
    second = load_run(shutil.copytree(evaluated_run.folder, tmp_path / "second"))
    variants = [Variant(f"epochs={n}", (f"epochs={n}",), load_recipe("demo", [f"epochs={n}"])) for n in (1, 2)]
    results = (
        VariantResult(variants[0], leaky, accuracy, None),
        VariantResult(variants[1], evaluated_run, accuracy, compare(evaluated_run, second, n_resamples=100)),
    )
    found = Ablation(results, {"epochs=3": "diverged"}, ("Few patients.",), AblationFacts.of(evaluated_run.record))
    given: list[Any] = []

    def ablated(table: Table, variants: Any, *_: Any, **__: Any) -> Ablation:
        given.extend(variants)
        return found

    monkeypatch.setattr(
        "tumorlens.experiments.ablation.run_ablation", create_autospec(run_ablation, side_effect=ablated)
    )
    words = ["train", str(phantoms), "--recipe", "demo", "--folds", "3", "--val", "0.34", "-o", str(tmp_path / "a")]
    words += [word for n in (1, 2, 3) for word in ("--variant", f"epochs={n}")]
    assert main(words) == ExitCode.FAILED
    assert [variant.recipe.epochs for variant in given] == [1, 2, 3]
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines() if line.startswith("epochs=")]
    assert [row[0] for row in rows] == ["epochs=1", "epochs=2"]
    assert rows[0][-1] == "-"
    assert "+0.0 points" in " ".join(rows[1])
    assert "caveat: 1 images of a tumor class have an empty mask, the first is a/1.png" in err
    assert "caveat: Few patients." in err
    assert "error: variant epochs=3: diverged" in err
    assert main([*words, "--json"]) == ExitCode.FAILED
    assert json.loads(capsys.readouterr().out)["folder"] == str(tmp_path / "a")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--fold", "all", "--keep-split"], ExitCode.USAGE, "--fold all makes its own split"),
        (["--fold", "none", "--variant", "epochs=1"], ExitCode.USAGE, "--fold none makes its own split"),
        (["--fold", "first"], ExitCode.USAGE, "expected a number from 0, all, or none"),
        (["--fold", "all"], ExitCode.FAILED, "has a split, and --fold all makes its own"),
        (["--fold", "none"], ExitCode.FAILED, "has a split, and --fold none makes its own"),
    ],
)
def test_a_split_and_a_fold_that_contradict_each_other_are_refused(
    words: list[str],
    code: ExitCode,
    message: str,
    phantom_table: Table,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_table(phantom_table, tmp_path / "split.csv")
    assert main(["train", str(tmp_path / "split.csv"), "-o", str(tmp_path / "run"), *words]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
