"""Tables are validated, sorted, hashed and pooled."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures import nifti_folders, tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import Sample, SplitPlan, Table, check_groups, open_table, pool
from tumorlens.datasets.slice_origin import COLUMNS as ORIGIN_COLUMNS
from tumorlens.errors import DataError, MissingExtraError, SplitError

PLAN = SplitPlan("patient", "folds", 0, 5, 0, 0.1)


@pytest.fixture
def table() -> Table:
    return tiny_datasets.patients({"glioma": 4, "meningioma": 3})


def in_train(table: Table) -> Table:
    return replace(table, samples=tuple(replace(s, split="train") for s in table.samples))


def test_a_sample_has_a_data_set_and_a_sampling_unit() -> None:
    sample = Sample("figshare/7", Path("7.jpg"), "glioma", group="figshare:100360")
    assert sample.dataset == "figshare"
    assert sample.unit == "figshare:100360"
    assert replace(sample, group=None).unit == "figshare/7"


def test_samples_are_sorted_by_id(table: Table) -> None:
    assert replace(table, samples=table.samples[::-1]) == table
    assert [s.id for s in table.samples] == sorted(s.id for s in table.samples)


def test_labels_are_indices_of_the_classes_also_if_a_class_is_missing(table: Table) -> None:
    wider = replace(table, classes=("aaa", *table.classes))
    assert set(table.labels) == {0, 1}
    assert wider.labels == [label + 1 for label in table.labels]
    assert set(wider.filter(lambda s: s.label == "meningioma").labels) == {2}


@pytest.mark.parametrize(
    ("change", "found", "expected"),
    [
        ({"samples": ()}, "made: no images found", "at least one"),
        ({"classes": ("glioma",)}, r"labels \['meningioma'\] found", r"only the classes \['glioma'\]"),
    ],
)
def test_an_invalid_table_is_refused(table: Table, change: dict, found: str, expected: str) -> None:
    with assert_refused(DataError, found=found, expected=expected):
        replace(table, **change)


def test_a_repeated_id_is_refused(table: Table) -> None:
    with assert_refused(DataError, found="1 ids occur more than once, the first is made/glioma-000-0"):
        replace(table, samples=(*table.samples, table.samples[0]))


def test_a_split_plan_covers_every_sample(table: Table) -> None:
    first, *rest = in_train(table).samples
    with assert_refused(SplitError, found="1 of 24 samples are in no split, the first is made/glioma-000-0"):
        replace(table, samples=(replace(first, split=None), *rest), plan=PLAN)


def test_an_empty_subset_is_an_error_with_the_command_that_splits(table: Table) -> None:
    with assert_refused(
        DataError, found="no image is in subset 'test'", advice="make a split with: tumorlens data split"
    ):
        in_train(table).subset("test")


def test_patients_are_known_only_if_every_sample_has_one(table: Table) -> None:
    first, *rest = table.samples
    assert table.has_patients
    assert not replace(table, samples=(replace(first, group=None), *rest)).has_patients


def test_the_split_hash_changes_with_ids_labels_groups_splits_and_classes(table: Table) -> None:
    first, *rest = table.samples
    others = [
        replace(table, samples=(replace(first, **change), *rest))
        for change in (
            {"id": "made/0"},
            {"label": "meningioma"},
            {"group": "made:other"},
            {"group": None},
            {"split": "test"},
        )
    ]
    others.append(replace(table, classes=table.classes[::-1]))
    assert len({table.split_hash, *(other.split_hash for other in others)}) == 7


def test_the_split_hash_does_not_depend_on_paths(table: Table) -> None:
    moved = tuple(replace(s, image=Path("/other") / s.image, mask=Path("m.png")) for s in table.samples)
    assert replace(table, samples=moved, name="other", notes=("moved",)).split_hash == table.split_hash


def test_pooling_keeps_class_order_splits_patients_and_notes(table: Table) -> None:
    table = in_train(replace(table, notes=("a", "b")))
    none = replace(tiny_datasets.patients({"no_tumor": 2}, name="none", known=False), notes=("b", "c"))
    pooled = pool([table, none])
    assert pooled.name == "made+none"
    assert pooled.classes == ("glioma", "meningioma", "no_tumor")
    assert pooled.notes == ("a", "b", "c")
    assert set(pooled.samples) == {*table.samples, *none.samples}
    assert pool([none, table]).classes == ("no_tumor", "glioma", "meningioma")


def test_pooling_keeps_a_split_plan_only_if_all_tables_share_it(table: Table) -> None:
    one = replace(in_train(table), plan=PLAN)
    two = replace(in_train(tiny_datasets.patients({"glioma": 2}, name="two")), plan=PLAN)
    assert pool([one, two]).plan == PLAN
    assert pool([one, replace(two, plan=replace(PLAN, seed=1))]).plan is None
    assert pool([one, tiny_datasets.patients({"glioma": 2}, name="two")]).plan is None
    assert pool([one]) is one


def test_pooling_two_tables_of_one_name_is_refused(table: Table) -> None:
    with assert_refused(DataError, found=r"two data sets of one name in \['made', 'made'\]"):
        pool([table, table])


def test_pooling_nothing_is_refused() -> None:
    with assert_refused(DataError, found="no data set given"):
        pool([])


def test_a_patient_in_two_subsets_is_an_error_that_names_the_patient(table: Table) -> None:
    first, *rest = in_train(table).samples
    leaking = replace(table, samples=(replace(first, split="test"), *rest))
    with assert_refused(SplitError, found="patient made:glioma-000 is in 'test' and in 'train'"):
        check_groups(leaking)
    check_groups(replace(leaking, plan=SplitPlan("image_ignoring_patients", "file")))
    check_groups(table)


def test_a_table_is_a_sequence_of_samples(table: Table) -> None:
    assert list(table) == list(table.samples)
    assert table[0] == table.samples[0]
    assert table[-1] == table.samples[-1]
    assert table[table.samples[3].id] == table.samples[3]
    assert table[1:3] == replace(table, samples=table.samples[1:3])
    with pytest.raises(IndexError):
        table[len(table)]
    with pytest.raises(KeyError, match=r"no sample has the id 'x'"):
        table["x"]
    with pytest.raises(DataError):
        table[5:5]


def test_filter_keeps_classes_and_refuses_to_leave_nothing(table: Table) -> None:
    some = table.filter(lambda s: s.label == "meningioma")
    assert {s.label for s in some} == {"meningioma"}
    assert some.classes == table.classes
    with pytest.raises(DataError):
        table.filter(lambda s: False)


def test_the_repr_of_a_table_is_one_line(table: Table) -> None:
    patients = len({s.patient for s in table})
    assert repr(table) == f"Table({table.name}: {len(table)} images, {patients} patients, 2 classes, no split)"
    assert repr(in_train(table)).endswith(f", 2 classes, train {len(table)})")
    alone = replace(table, samples=(replace(table[0], group=None),), classes=("glioma",))
    assert repr(alone) == f"Table({table.name}: 1 image, patients unknown, 1 class, no split)"
    assert repr(Sample("a/b", Path("b.png"), "glioma", group="a:7", split="val")) == (
        "Sample(a/b, glioma, no mask, group a:7, val)"
    )


def test_a_notebook_shows_classes_subsets_and_notes(table: Table) -> None:
    html = replace(in_train(table), notes=("<i>a fact</i>",))._repr_html_()
    gliomas = sum(s.label == "glioma" for s in table)
    assert f"{gliomas} (train {gliomas})" in html
    assert "&lt;i&gt;a fact&lt;/i&gt;" in html


def with_files(table: Table, folder: Path) -> Table:
    """The same table with images that exist; the first one has a mask."""
    samples = []
    for number, sample in enumerate(table):
        image = folder / f"{number}.png"
        image.touch()
        samples.append(replace(sample, image=image, mask=image if number == 0 else None))
    return replace(table, samples=tuple(samples))


def test_a_data_frame_gives_the_same_table_back(table: Table, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    for each in (table, replace(in_train(table), plan=PLAN, notes=("a fact",))):
        stored = with_files(each, tmp_path)
        frame = stored.to_pandas()
        assert list(frame.columns) == ["id", "image", "label", "mask", "group", "split"]
        assert Table.from_pandas(frame) == stored
        assert Table.from_pandas(frame[frame.label == "glioma"]) == stored.filter(lambda s: s.label == "glioma")


def test_a_data_frame_made_by_hand_needs_images_and_labels_only(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    files = [tmp_path / f"{i}.png" for i in range(3)]
    for file in files:
        file.touch()
    rows = {"image": files, "label": ["b", "a", "b"], "group": ["7", None, float("nan")], "split": ["train"] * 3}
    table = Table.from_pandas(pandas.DataFrame(rows), name="mine")
    assert table.classes == ("a", "b")
    assert [s.group for s in table] == ["mine:7", None, None]
    assert table[0].id == f"mine/{files[0]}"
    assert table.plan == SplitPlan("patient", "file")
    assert table.notes == ("mine: 2 of 3 images name no patient; each counts as its own",)


def test_a_data_frame_that_does_not_fit_is_refused_with_what_was_found(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    file = tmp_path / "a.png"
    file.touch()
    good = {"image": [file, file], "label": ["a", "b"], "id": ["m/1", "m/2"]}
    for change, error, found in (
        ({"patient_id": ["1", "2"]}, DataError, "unknown column 'patient_id'"),
        ({"label": ["a", None]}, DataError, "a row without label"),
        ({"image": [file, tmp_path / "absent.png"]}, DataError, "does not exist"),
        ({"mask": [None, "absent.png"]}, DataError, "does not exist"),
        ({"split": ["train", "later"]}, SplitError, "split 'later'"),
        ({"split": ["train", None]}, SplitError, "1 of 2 samples are in no split"),
        ({"group": ["p", "p"], "split": ["train", "test"]}, SplitError, "patient p is in"),
    ):
        with pytest.raises(error) as caught:
            Table.from_pandas(pandas.DataFrame(good | change), name="m")
        assert found in caught.value.found
    with pytest.raises(DataError) as caught:
        Table.from_pandas(pandas.DataFrame({"image": [file]}))
    assert caught.value.found == "data frame without column label"


def test_without_pandas_the_error_says_how_to_install_it(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError) as caught:
        table.to_pandas()
    assert caught.value.advice == "install it with: pip install pandas"


def test_the_origin_of_slices_survives_a_data_frame(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    image = nifti_folders.save_pair(tmp_path / "a.nii.gz", tmp_path / "a_mask.nii.gz")
    table = open_table(tmp_path)
    frame = table.to_pandas()
    assert list(frame.columns[-9:]) == list(ORIGIN_COLUMNS)
    assert Table.from_pandas(frame) == table
    assert image.plane == frame["plane"][0]
