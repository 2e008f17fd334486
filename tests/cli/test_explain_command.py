"""tumorlens explain: one method or all of them, of a run or of a model file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tumorlens.cli import main
from tumorlens.training import Run


@pytest.fixture
def image(phantoms: Path) -> str:
    return str(next((phantoms / "images").iterdir()))


def test_all_methods_stand_side_by_side(
    segmentation_run: Run, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "explain",
        str(segmentation_run.folder),
        image,
        "--json",
        "--task",
        "segmentation",
    ]
    assert main([*arguments, "--method", "all", "-o", str(tmp_path / "all")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["methods"] == ["grad_cam", "hires_cam", "eigen_cam", "attention", "occlusion", "mask"]
    assert found["task"] == "segmentation"
    assert main([*arguments, "--method", "occlusion", "-o", str(tmp_path / "alone")]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert found["overlay"] != alone["overlay"]
    whole, two = (Image.open(one["overlay"]) for one in (found, alone))
    assert whole.height == two.height
    assert whole.width > 3 * two.width
    assert json.loads((tmp_path / "alone" / "run.json").read_text())["method"] == "occlusion"


def test_a_model_file_is_explained_without_torch(model_file: Path, image: str, tmp_path: Path) -> None:
    code = (
        "import sys; from tumorlens.cli import main; "
        f"code = main(['explain', {str(model_file)!r}, {image!r}, '-o', {str(tmp_path)!r}, '--method', 'all']); "
        "print(code, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0 False"
    assert len(list(tmp_path.glob("*_all.png"))) == 1


def test_one_attention_map_gets_a_valid_file_name(segmentation_model_file: Path, image: str, tmp_path: Path) -> None:
    arguments = ["explain", str(segmentation_model_file), image, "--out-dir", str(tmp_path)]
    assert main([*arguments, "--method", "attention:fusion.share"]) == 0
    (written,) = tmp_path.glob("*.png")
    assert written.name.endswith("_attention-fusion.share.png")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--method", "attention"],
            "mini_resnet does not support attention; expected one of grad_cam, hires_cam, eigen_cam",
        ),
        (["--method", "gradcam"], "did you mean grad_cam?"),
        (["--task", "segmentation"], "mini_resnet does not segment tumors"),
    ],
)
def test_an_unsupported_map_is_one_line(
    model_file: Path, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["explain", str(model_file), image, "--out-dir", str(tmp_path / "maps"), *options]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "maps").exists()


@pytest.mark.parametrize("options", [["--task", "mask"], ["--task", "segmentation", "--target", "glioma"]])
def test_wrong_usage_exits_with_2(model_file: Path, image: str, tmp_path: Path, options: list[str]) -> None:
    assert main(["explain", str(model_file), image, "--out-dir", str(tmp_path), *options]) == 2
