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


def test_the_record_has_the_device_and_the_threads_of_a_run_and_of_a_model_file(
    segmentation_run: Run, model_file: Path, image: str, tmp_path: Path
) -> None:
    for model, name in (segmentation_run.folder, "run"), (model_file, "file"):
        arguments = ["explain", str(model), image, "-o", str(tmp_path / name), "--threads", "1", "--batch-size", "4"]
        assert main([*arguments, "--method", "occlusion"]) == 0
        record = json.loads((tmp_path / name / "run.json").read_text())
        assert (record["device"], record["threads"], record["batch_size"]) == ("cpu", 1, 4)
        assert record.get("providers") == (["CPUExecutionProvider"] if name == "file" else None)


def test_a_device_that_is_not_there_is_one_line_with_those_that_are(
    segmentation_run: Run,
    model_file: Path,
    image: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    run = str(segmentation_run.folder)
    for arguments, there in (
        (["explain", run, image, "-o", str(tmp_path / "maps")], "cpu"),
        (["evaluate", run, "-o", str(tmp_path / "maps")], "cpu"),
        (["explain", run, "--evaluate", "-o", str(tmp_path / "maps")], "cpu"),
        (["explain", str(model_file), image, "-o", str(tmp_path / "maps")], "CPUExecutionProvider"),
        (["predict", image, "-m", str(model_file), "-o", str(tmp_path / "maps")], "CPUExecutionProvider"),
    ):
        assert main([*arguments, "--device", "cuda"]) == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "device cuda" in error
        assert there in error
        assert not (tmp_path / "maps").exists()
    assert main(["explain", run, "--evaluate", "--batch-size", "2"]) == 2
    assert "leave out --batch-size" in capsys.readouterr().err
