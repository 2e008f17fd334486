"""Variants of one recipe: each is trained and evaluated, and the later ones are compared with the first."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.plain_charts import leave_charts_out
from tests.fixtures.refusal import assert_refused
from tumorlens.cli import main
from tumorlens.comparison.compare import compare
from tumorlens.datasets import Table, write_table
from tumorlens.errors import RecipeError, ResultsFolderError, RunError
from tumorlens.experiments import ablation as module
from tumorlens.experiments.ablation import Variant, parse_variants, run_ablation
from tumorlens.training import Run, load_run, train

pytestmark = pytest.mark.usefixtures("plain_charts")
SMALL = ("input.size=32", "epochs=1", "batch_size=4")
VARIANTS = ("loss.label_smoothing=0", "model=brainmrnet loss.label_smoothing=0.1")
NAMES = ("label_smoothing=0", "model=brainmrnet,label_smoothing=0.1")


def _variants(*variants: str) -> tuple[Variant, ...]:
    return parse_variants("demo", variants or VARIANTS, SMALL)


@pytest.fixture(scope="module")
def ablated(
    phantom_table: Table, shared_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, module.Ablation]:
    out = tmp_path_factory.mktemp("ablated") / "ablation"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUMORLENS_CACHE", str(shared_cache))
        leave_charts_out(patch)
        return out, run_ablation(phantom_table, _variants(), out)


def test_overrides_of_a_variant_come_after_those_of_all() -> None:
    first, second = _variants("epochs=2", "model=brainmrnet dropout=0.4 augment.scale=[0.9,1.1]")
    assert (first.name, first.recipe.epochs, first.recipe.batch_size) == ("epochs=2", 2, 4)
    assert second.name == "model=brainmrnet,dropout=0.4,scale=0.9,1.1"
    assert (second.recipe.model, second.recipe.epochs, second.recipe.augment.scale) == ("brainmrnet", 1, (0.9, 1.1))


@pytest.mark.parametrize(
    ("variants", "fields"),
    [
        (("epochs=2",), {"found": "1 variant given", "expected": "at least two"}),
        (("epochs=2", "epochs=3", "epochs=2"), {"found": "variant epochs=2: given twice"}),
        (("epochs=2", " "), {"found": "no overrides", "expected": "some, such as"}),
        (("epochs=2", "epoch=3"), {"advice": r"did you mean epochs\?"}),
        (("epochs=2", "augment.scale=[0.9, 1.1]"), {"found": "override"}),
    ],
)
def test_invalid_variants_are_errors(variants: tuple[str, ...], fields: dict[str, str]) -> None:
    with assert_refused(RecipeError, **fields):
        _variants(*variants)


def test_training_with_and_without_cam_guidance_is_compared(
    phantom_table: Table, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    variants = _variants("loss.cam_guidance=0", "loss.cam_guidance=1")
    steps: list[tuple[str, int, int | None]] = []
    with caplog.at_level(logging.INFO, "tumorlens.experiments.ablation"):
        found = run_ablation(phantom_table, variants, tmp_path / "out", progress=lambda *step: steps.append(step))
    assert [text.partition(":")[0] for text in caplog.messages if text.startswith("variant")] == [
        "variant 1/2",
        "variant 2/2",
    ]
    assert sum(stage == "training" and done == 0 for stage, done, _ in steps) == len(variants)
    assert any(stage == "inference" for stage, _, _ in steps)
    plain, guided = found.results
    assert (plain.variant.name, guided.variant.name) == ("cam_guidance=0", "cam_guidance=1")
    assert plain.run.record.masks is None
    assert {"val_relevance_mass_accuracy", "val_pointing_game"} <= set(guided.run.record.validation)
    assert guided.comparison is not None
    assert guided.run.record.split_hash == plain.run.record.split_hash


def test_each_variant_is_an_evaluated_run_on_the_same_split(
    ablated: tuple[Path, module.Ablation], phantom_table: Table
) -> None:
    out, found = ablated
    assert {p.name for p in out.iterdir()} == {*NAMES, "ablation.json", "ablation.run.json"}
    runs = [load_run(out / name) for name in NAMES]
    assert [run.spec.model for run in runs] == ["mini_resnet", "brainmrnet"]
    assert {run.record.split_hash for run in runs} == {phantom_table.split_hash}
    assert all((run.folder / "evaluations" / "test" / "report.html").is_file() for run in runs)
    first, second = found.results
    assert first.comparison is None
    assert second.comparison
    again = compare(*runs)
    assert second.comparison.accuracy == again.accuracy
    assert set(again.caveats) <= set(found.caveats)


def test_the_results_are_written_as_json(ablated: tuple[Path, module.Ablation]) -> None:
    out, found = ablated
    written = json.loads((out / "ablation.json").read_text())
    assert written == json.loads(json.dumps(found.to_dict()))
    assert [variant["name"] for variant in written["variants"]] == list(NAMES)
    first, second = written["variants"]
    assert first["difference"] is first["p_value"] is None
    gain = second["accuracy"]["value"] - first["accuracy"]["value"]
    assert second["difference"]["value"] == pytest.approx(gain)
    record = json.loads((out / "ablation.run.json").read_text())
    assert record["outputs"] == ["ablation.json", *NAMES]
    assert record["split_hash"] == written["split_hash"]


def test_an_interrupted_ablation_can_be_resumed(
    ablated: tuple[Path, module.Ablation], phantom_table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []

    def interrupted(table: Table, recipe: Any, out: Path, **options: Any) -> Run:
        if trained:
            raise KeyboardInterrupt
        trained.append(out.name)
        return train(table, recipe, out, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, "train", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_ablation(phantom_table, _variants(), tmp_path / "ablation")
    first = (tmp_path / "ablation" / NAMES[0] / "evaluations" / "test" / "evaluation.json").stat().st_mtime_ns
    with assert_refused(ResultsFolderError, found="a run was started", advice="continue it with --resume"):
        run_ablation(phantom_table, _variants(), tmp_path / "ablation")
    resumed = run_ablation(phantom_table, _variants(), tmp_path / "ablation", resume=True)
    assert (tmp_path / "ablation" / NAMES[0] / "evaluations" / "test" / "evaluation.json").stat().st_mtime_ns == first
    assert resumed.to_dict() == ablated[1].to_dict()


def test_resuming_an_empty_folder_is_an_error(phantom_table: Table, tmp_path: Path) -> None:
    with assert_refused(RunError, found="nothing to resume", advice="train without --resume"):
        run_ablation(phantom_table, _variants(), tmp_path / "none", resume=True)


@pytest.mark.parametrize(
    ("variant", "found"),
    [
        ("options.cbam=true", "variant cbam=true: mini_resnet has no option 'cbam'"),
        ("classes=2", "variant classes=2: recipe demo: classes is 2, but phantom has 4"),
        ("stop.monitor=val_dice", "variant monitor=val_dice: .* mini_resnet does not segment"),
    ],
)
def test_an_impossible_variant_is_an_error_before_any_training(
    variant: str, found: str, phantom_table: Table, tmp_path: Path
) -> None:
    with assert_refused(RecipeError, found=found):
        run_ablation(phantom_table, _variants("epochs=2", variant), tmp_path / "ablation")
    assert not (tmp_path / "ablation").exists()


def test_a_failed_variant_is_recorded_and_the_next_one_starts(
    phantom_table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = str(tmp_path / "split.csv")
    variants = ("epochs=1", "optimizer.name=sgd optimizer.lr=1.0e+30", "dropout=0.1")
    write_table(phantom_table, Path(table))
    words = [word for variant in variants for word in ("--variant", variant)]
    words += [word for value in SMALL for word in ("--set", value)]
    words += ["--set", "schedule={name: constant}"]
    assert main(["train", table, "--recipe", "demo", "--out-dir", str(tmp_path / "ablation"), *words]) == 1
    printed = capsys.readouterr()
    assert "difference from the first, paired" in printed.out
    assert "dropout=0.1" in printed.out
    assert "error: variant name=sgd,lr=1.0e+30: epoch 1: " in printed.err
    assert "caveat: Each run is one training" in printed.err
    assert list(json.loads((tmp_path / "ablation" / "ablation.json").read_text())["failed"]) == ["name=sgd,lr=1.0e+30"]


def test_the_ablation_of_published_method_5_is_one_command(phantom_table: Table) -> None:
    smoothed, plain = "loss.label_smoothing=0.1", "model=efficientnet_b2 dropout=0.5"
    variants = parse_variants(
        "efficientnet_b2_transformer",
        [plain, f"{plain} {smoothed}", "model=efficientnet_b2_transformer", smoothed, f"{smoothed} options.cbam=true"],
    )
    recipes = [variant.recipe for variant in variants]
    assert [r.model.endswith("transformer") for r in recipes] == [False, False, True, True, True]
    assert [r.loss.label_smoothing for r in recipes] == [0, 0.1, 0, 0.1, 0.1]
    assert [r.dropout for r in recipes] == [0.5, 0.5, None, None, None]
    assert [r.options for r in recipes] == [{}, {}, {}, {}, {"cbam": True}]
    assert len({(r.optimizer, r.input, r.epochs) for r in recipes}) == 1


def test_the_repr_names_the_variants_in_one_line(ablated: tuple[Path, module.Ablation]) -> None:
    _, found = ablated
    names = ", ".join(result.variant.name for result in found.results)
    assert repr(found) == f"Ablation({names}; 0 failed)"
