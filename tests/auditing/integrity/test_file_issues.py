"""Integrity issues of files and images, each with its fix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from tests.fixtures import scans
from tumorlens.auditing.duplicates.image_records import read_image_records
from tumorlens.auditing.integrity.file_issues import find_integrity_issues
from tumorlens.auditing.issues import IntegrityIssue
from tumorlens.datasets import Sample, Table


def table(labels: Mapping[Path, str]) -> Table:
    samples = tuple(Sample(f"made/{i:03d}", path, label) for i, (path, label) in enumerate(labels.items()))
    return Table("made", samples, tuple(sorted(set(labels.values()))))


def issues(labels: Mapping[Path, str]) -> dict[str, IntegrityIssue]:
    made = table(labels)
    found = find_integrity_issues(made, read_image_records([sample.image for sample in made.samples]))
    return {issue.kind: issue for issue in found}


def image(path: Path, height: int = 80, width: int = 100, **options: str) -> Path:
    ramp = np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)
    return scans.save(path, ramp, **options)


def details(issue: IntegrityIssue) -> list[tuple[str, str]]:
    return [(path.name, detail) for path, detail in issue.items]


def test_readable_images_of_one_size_have_no_issue(tmp_path: Path) -> None:
    assert issues({image(tmp_path / f"{i}.png"): "ab"[i % 2] for i in range(30)}) == {}


def test_unreadable_files_come_first(tmp_path: Path) -> None:
    cut = scans.cut(image(tmp_path / "cut.png"), 0.6)
    labels = {
        image(tmp_path / "a.png"): "a",
        cut: "a",
        tmp_path / "gone.png": "a",
        image(tmp_path / "b.jpg", 70): "a",
    }
    found = issues(labels)
    assert next(iter(found)) == "unreadable"
    assert found["unreadable"].level == "danger"
    assert found["unreadable"].message.startswith("2 of 4 images cannot be read")
    assert [name for name, _ in details(found["unreadable"])] == ["cut.png", "gone.png"]
    assert "mixed-sizes" in found


def test_a_blank_image_is_an_issue(tmp_path: Path) -> None:
    black = scans.save(tmp_path / "black.png", np.zeros((80, 100), dtype=np.uint8))
    assert details(issues({black: "a", image(tmp_path / "1.png"): "a"})["blank"]) == [
        ("black.png", "one gray value only")
    ]


def test_an_extension_of_another_format_is_reported(tmp_path: Path) -> None:
    labels = dict.fromkeys(
        [
            image(tmp_path / "png.jpg", format="PNG"),
            image(tmp_path / "sound.JPG", format="JPEG"),
            image(tmp_path / "sound.JPEG"),
            image(tmp_path / "no extension", format="PNG"),
            image(tmp_path / "phone.jpg", format="MPO"),
            scans.figshare_mat(tmp_path / "1.mat"),
        ],
        "a",
    )
    found = issues(labels)["extension"]
    assert details(found) == [("png.jpg", "contains PNG")]
    assert found.message.startswith("1 of 6 files")


def test_mixed_pixel_modes_are_counted(tmp_path: Path) -> None:
    gray = Image.open(image(tmp_path / "0.png"))
    paths = [scans.save(tmp_path / f"{mode}.png", gray.convert(mode)) for mode in ("RGB", "RGBA", "P")]
    found = issues(dict.fromkeys([tmp_path / "0.png", *paths], "a"))["modes"]
    assert found.level == "warning"
    assert "4 pixel modes: 1 L, 1 RGB, 1 RGBA, 1 P" in found.message
    assert details(found) == [("RGBA.png", "RGBA"), ("P.png", "P")]


def test_gray_beside_color_is_information_only(tmp_path: Path) -> None:
    gray = Image.open(image(tmp_path / "0.png"))
    found = issues(dict.fromkeys([tmp_path / "0.png", scans.save(tmp_path / "1.png", gray.convert("RGB"))], "a"))
    assert (found["modes"].level, found["modes"].items) == ("info", ())


def test_extreme_sizes_and_shapes_are_explained(tmp_path: Path) -> None:
    sizes = {"plain": (100, 100), "small": (60, 60), "wide": (80, 200), "page": (250, 260), "scrap": (70, 30)}
    usual = [image(tmp_path / f"{i}.png", 100, 100) for i in range(5)]
    odd = [image(tmp_path / f"{name}.png", *size) for name, size in sizes.items()]
    found = issues(dict.fromkeys([*usual, *odd], "a"))
    assert details(found["extreme-size"]) == [
        ("small.png", "60 x 60 pixels: a side below 64"),
        ("wide.png", "200 x 80 pixels: one side 2.5 times the other"),
        (
            "scrap.png",
            "30 x 70 pixels: a side below 64, one side 2.3 times the other, 4.8 times less area than the median",
        ),
        ("page.png", "260 x 250 pixels: 6.5 times the median area"),
    ]
    assert (
        "5 different sizes, from 30 x 70 to 260 x 250; the most frequent is 100 x 100 (60.0 %)"
        in found["mixed-sizes"].message
    )


def test_one_size_that_is_too_small_is_extreme(tmp_path: Path) -> None:
    found = issues({image(tmp_path / f"{i}.png", 40, 40): "a" for i in range(3)})
    assert list(found) == ["extreme-size"]


def test_classes_of_different_sizes_are_a_shortcut(tmp_path: Path) -> None:
    labels = {image(tmp_path / f"t{i}.png", 96, 96): "glioma" for i in range(20)}
    labels |= {image(tmp_path / f"n{i}.png", 80 + i, 90): "no_tumor" for i in range(20)}
    found = issues(labels)["size-by-class"]
    assert found.level == "warning"
    assert "100.0 % of the images of glioma have 96 x 96 pixels, but only 0.0 % of no_tumor" in found.message


def test_sizes_that_are_all_different_can_differ_between_classes_too(tmp_path: Path) -> None:
    labels = {image(tmp_path / f"{i}.png", 80 + i, 90): "small" if i < 15 else "large" for i in range(30)}
    assert "100.0 % of the images of large are larger than the set's median" in issues(labels)["size-by-class"].message


def test_mixed_sizes_in_equal_shares_or_in_few_images_are_no_shortcut(tmp_path: Path) -> None:
    equal = {image(tmp_path / f"{i}.png", 80 + i // 2, 90): "ab"[i % 2] for i in range(30)}
    few = {image(tmp_path / f"few{i}.png", 80 + 9 * (i % 2), 90): "ab"[i % 2] for i in range(8)}
    assert list(issues(equal)) == list(issues(few)) == ["mixed-sizes"]
