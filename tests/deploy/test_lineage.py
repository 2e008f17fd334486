"""A card names the data sets and their licenses, and marks those that are unknown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tumorlens.datasets import Sample, Table
from tumorlens.datasets.data_records import SampleCount
from tumorlens.deploy.lineage import attributions, training_provenance
from tumorlens.training import Run


def table(*samples: tuple[str, str, str | None]) -> Table:
    """One of ids, labels and groups."""
    made = [Sample(i, Path("x.png"), label, group=group, split="train") for i, label, group in samples]
    return Table("some", tuple(made), ("glioma", "no_tumor"))


def test_a_run_on_phantoms_records_data_set_and_settings(finished_run: Run) -> None:
    provenance = training_provenance(finished_run, finished_run.table())
    (dataset,) = provenance.datasets
    assert (dataset.name, dataset.license) == ("phantom", "CC0")
    assert dataset.used == SampleCount(images=24, patients=12)
    assert provenance.settings["epochs"] == 2
    assert provenance.classes["test"]["glioma"] == SampleCount(images=2, patients=1)
    assert provenance.network is not None
    assert provenance.network.channels == finished_run.spec.channels
    (line,) = attributions(finished_run, finished_run.table())
    assert line.startswith("Data set phantom: CC0; ")


def test_only_the_file_name_of_initial_weights_is_recorded_and_not_their_path(own_run: Run) -> None:
    recipe = own_run.folder / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("pretrained: none", "pretrained: /home/somebody/w.pth"))
    run = replace(own_run, record=own_run.record.model_copy(update={"pretrained": "w.pth"}))
    assert "somebody" not in str(training_provenance(run, run.table()))
    assert attributions(run, run.table())[-1] == (
        "Initial weights from the file w.pth: license and author are not known to tumorlens"
    )


def test_every_data_set_is_credited_and_an_unknown_one_is_marked(finished_run: Run) -> None:
    pooled = table(("figshare/1", "glioma", "figshare:1"), ("no_tumor/a", "no_tumor", None), ("mine/1", "glioma", None))
    figshare, mine, healthy = attributions(finished_run, pooled)
    assert figshare.startswith("Data set figshare: CC BY 4.0; Cheng 2017")
    assert "unknown to tumorlens" in mine
    assert healthy.startswith("Data set no_tumor: CC0; Nickparvar 2021")


def test_a_data_set_that_gave_patients_or_masks_is_credited(finished_run: Run) -> None:
    lines = attributions(finished_run, table(("mine/1", "glioma", "figshare:1")))
    assert [line.split(":")[0] for line in lines] == ["Data set mine", "Data set figshare"]


def test_another_data_set_with_the_name_of_a_public_one_is_marked_as_unknown(finished_run: Run) -> None:
    (line,) = attributions(finished_run, table(("figshare/1", "no_tumor", None)))
    assert "unknown to tumorlens" in line


def test_the_settings_of_a_run_without_its_recipe_are_empty(own_run: Run) -> None:
    (own_run.folder / "recipe.yaml").unlink()
    assert training_provenance(own_run, own_run.table()).settings == {}
