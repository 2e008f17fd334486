"""Whose data and weights are in a bundle: said where it is known, and said to be unknown where it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tumorlens.deploy.origin import attributions, training

from tumorlens.datasets import Sample, Table
from tumorlens.training import Run


def table(*samples: tuple[str, str, str | None]) -> Table:
    """One of ids, labels and groups."""
    made = [Sample(i, Path("x.png"), label, group=group, split="train") for i, label, group in samples]
    return Table("some", tuple(made), ("glioma", "no_tumor"))


def test_a_run_on_phantoms_says_so_and_names_its_settings(finished_run: Run) -> None:
    made = training(finished_run, finished_run.table())
    (known,) = made["datasets"]
    assert (known["name"], known["license"], known["used"]) == ("phantom", "CC0", {"images": 24, "patients": 12})
    assert made["settings"]["epochs"] == 2
    assert made["classes"]["test"]["glioma"] == {"images": 2, "patients": 1}
    assert made["network"]["channels"] == finished_run.spec.channels
    (line,) = attributions(finished_run, finished_run.table())
    assert line.startswith("Data set phantom: CC0; ")


def test_the_path_of_first_weights_stays_on_the_machine_and_only_the_files_name_is_told(own_run: Run) -> None:
    recipe = own_run.folder / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("pretrained: none", "pretrained: /home/somebody/w.pth"))
    run = replace(own_run, record=own_run.record.model_copy(update={"pretrained": "w.pth"}))
    assert "somebody" not in str(training(run, run.table()))
    assert attributions(run, run.table())[-1] == (
        "First weights from the file w.pth: license and author are not known to tumorlens"
    )


def test_every_set_is_credited_and_an_unknown_one_is_said_to_be_unknown(finished_run: Run) -> None:
    pooled = table(("figshare/1", "glioma", "figshare:1"), ("no_tumor/a", "no_tumor", None), ("mine/1", "glioma", None))
    figshare, mine, healthy = attributions(finished_run, pooled)
    assert figshare.startswith("Data set figshare: CC BY 4.0; Cheng 2017")
    assert "not known to tumorlens" in mine
    assert healthy.startswith("Data set no_tumor: CC0; Nickparvar 2021")


def test_a_set_that_lent_patients_and_masks_is_credited_too(finished_run: Run) -> None:
    lines = attributions(finished_run, table(("mine/1", "glioma", "figshare:1")))
    assert [line.split(":")[0] for line in lines] == ["Data set mine", "Data set figshare"]


def test_a_set_that_only_bears_the_name_of_a_public_one_is_not_credited_to_it(finished_run: Run) -> None:
    (line,) = attributions(finished_run, table(("figshare/1", "no_tumor", None)))
    assert "not known to tumorlens" in line


def test_the_settings_of_a_run_without_its_recipe_are_empty(own_run: Run) -> None:
    (own_run.folder / "recipe.yaml").unlink()
    assert training_provenance(own_run, own_run.table()).settings == {}
