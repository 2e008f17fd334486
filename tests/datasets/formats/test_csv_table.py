"""Tables as CSV files: written and read back without loss, and tables made by hand."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures import scans, tiny_datasets
from tests.fixtures.refusal import assert_refused
from tumorlens.datasets import SplitPlan, Table, open_table, pool, read_table, write_table
from tumorlens.errors import DataError, SplitError


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Figshare with a split, and images that name no patient."""
    none = open_table(tiny_datasets.class_folders(tmp_path / "data" / "gesund, ä", {"no tumor": 2}))
    pooled = pool([open_table(tiny_datasets.figshare_csv(tmp_path / "data" / "figshare")), none])
    rows = tuple(replace(s, split="test" if s.group == "figshare:100360" else "train") for s in pooled.samples)
    return replace(pooled, samples=rows, plan=SplitPlan("patient", "folds", 3, 5, 0, 0.0))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return tiny_datasets.class_folders(tmp_path, {"p": 4}) / "p"


def by_hand(folder: Path, *lines: str) -> Path:
    return scans.raw(folder / "mine.csv", "\n".join(lines).encode())


def test_a_written_table_is_read_back_without_loss(table: Table, tmp_path: Path) -> None:
    path = write_table(table, tmp_path / "runs" / "1" / "split.csv")
    back = read_table(path)
    assert back.split_hash == table.split_hash
    assert (back.name, back.classes, back.notes, back.plan) == (table.name, table.classes, table.notes, table.plan)
    for one, other in zip(back.samples, table.samples, strict=True):
        assert replace(one, image=other.image, mask=other.mask) == other
        assert one.image.samefile(other.image)
        assert (one.mask is None) == (other.mask is None)
    assert [p.name for p in path.parent.iterdir()] == ["split.csv"]


def test_table_and_images_can_be_moved_together(table: Table, tmp_path: Path) -> None:
    path = write_table(table, tmp_path / "split.csv")
    assert str(tmp_path) not in path.read_text(encoding="utf-8")
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.move(tmp_path / "data", moved / "data")
    assert read_table(Path(shutil.move(path, moved))).split_hash == table.split_hash


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_table_written_through_a_link_finds_its_images(table: Table, tmp_path: Path) -> None:
    (tmp_path / "far" / "away" / "runs").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away" / "runs")
    assert len(read_table(write_table(table, tmp_path / "link" / "split.csv"))) == len(table)


def test_rows_changed_after_the_split_are_refused(table: Table, tmp_path: Path) -> None:
    path = write_table(table, tmp_path / "split.csv")
    path.write_text(path.read_text(encoding="utf-8").replace("figshare:MR040240,train", "figshare:MR040240,test"))
    with assert_refused(DataError, file=r"split\.csv$", found="its rows were changed after the split"):
        read_table(path)


def test_a_table_that_is_not_split_yet_may_be_edited(tmp_path: Path) -> None:
    path = write_table(open_table(tiny_datasets.figshare_csv(tmp_path / "data")), tmp_path / "table.csv")
    path.write_text(path.read_text(encoding="utf-8").replace("figshare:100360", "figshare:another"))
    assert "figshare:another" in {s.group for s in read_table(path).samples}


@pytest.mark.parametrize(("old", "new"), [('{"name"', "name"), ('"plan": {', '"plan": {"x": 1, '), ('"notes"', '"n"')])
def test_a_damaged_header_line_is_refused(table: Table, tmp_path: Path, old: str, new: str) -> None:
    path = write_table(table, tmp_path / "split.csv")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with assert_refused(
        DataError, file=r"split\.csv$", found="its first line is damaged", advice="write the table anew"
    ):
        read_table(path)


def test_a_table_made_by_hand_needs_image_and_label_only(images: Path) -> None:
    table = read_table(by_hand(images, "image,label", "1.png,No Tumor", "0.png,Glioma"))
    assert table.name == "mine"
    assert table.classes == ("glioma", "no_tumor")
    assert [(s.id, s.label, s.group, s.split) for s in table.samples] == [
        ("mine/0.png", "glioma", None, None),
        ("mine/1.png", "no_tumor", None, None),
    ]
    assert table.plan is None
    assert table.notes == ("mine: 2 of 2 images name no patient; each counts as its own",)


def test_a_table_made_by_hand_may_have_patients_masks_and_splits(images: Path) -> None:
    table = read_table(
        by_hand(
            images,
            "\ufeffImage,Label,Group,Split,Mask,id",
            "0.png,a,7,Training,1.png,x",
            "2.png,b,8,TEST,,y",
        )
    )
    x, y = table.samples
    assert (x.id, x.group, x.split, x.mask) == ("mine/x", "mine:7", "train", images / "1.png")
    assert (y.id, y.group, y.split, y.mask) == ("mine/y", "mine:8", "test", None)
    assert table.plan == SplitPlan("patient", "file")
    assert table.notes == ()


def test_paths_with_backslashes_are_read(tmp_path: Path, images: Path) -> None:
    table = read_table(by_hand(tmp_path, "image,label", "p\\0.png,a", "p/1.png,a"))
    assert [s.id for s in table.samples] == ["mine/p/0.png", "mine/p/1.png"]


def test_absolute_paths_are_read(tmp_path: Path, images: Path) -> None:
    assert read_table(by_hand(tmp_path, "image,label", f"{images / '0.png'},a")).samples[0].image.is_file()


@pytest.mark.parametrize(
    ("rows", "line", "found", "expected"),
    [
        (["0.png,a,,", "9.png,a,,"], 3, r"9\.png does not exist", ""),
        (["0.png,,,"], 2, "^no label$", "one in every row"),
        ([",a,,"], 2, "^no image$", "one in every row"),
        (["0.png,a,,holdout"], 2, "^split 'holdout' found$", r"^one of \['train'"),
        (["0.png,a,,", "0.png,a,,"], None, r"1 ids occur more than once, the first is mine/0\.png", "each id once"),
        ([], None, "mine: no images found", "at least one"),
    ],
)
def test_an_invalid_row_is_an_error_with_its_line(
    images: Path, rows: list[str], line: int | None, found: str, expected: str
) -> None:
    with assert_refused(DataError, line=line, found=found, expected=expected):
        read_table(by_hand(images, "image,label,group,split", *rows))


def test_a_missing_mask_is_an_error_with_its_line(images: Path) -> None:
    with assert_refused(DataError, line=2, found=r"m\.png does not exist"):
        read_table(by_hand(images, "image,label,mask", "0.png,a,m.png"))


def test_a_patient_in_two_subsets_is_refused(images: Path) -> None:
    path = by_hand(images, "image,label,group,split", "0.png,a,7,train", "1.png,a,7,test")
    with assert_refused(SplitError, found=r"patient mine:7 is in 'train' and in 'test' \(mine/1\.png\)"):
        read_table(path)


def test_a_split_for_some_rows_only_is_refused(images: Path) -> None:
    path = by_hand(images, "image,label,split", "0.png,a,train", "1.png,a,", "2.png,a,test")
    with assert_refused(SplitError, found=r"1 of 3 samples are in no split, the first is mine/1\.png"):
        read_table(path)


def test_a_missing_table_is_an_error_that_names_it(tmp_path: Path) -> None:
    with assert_refused(DataError, file=r"nowhere\.csv$", found="no such table"):
        read_table(tmp_path / "nowhere.csv")
