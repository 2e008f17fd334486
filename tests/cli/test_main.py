"""The command line as a whole: version, help, exit codes, one line of error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tumorlens
from tumorlens.cli import main


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tumorlens {tumorlens.__version__}\n"


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for verb in ("demo", "audit", "train", "evaluate", "explain", "export", "card", "predict", "data", "models"):
        assert f"\n  {verb} " in out
    assert "not a medical device" in out


@pytest.mark.parametrize("group", [[], ["data"], ["models"]])
def test_no_summary_of_a_verb_is_cut_off(group: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main([*group, "--help"])
    commands = capsys.readouterr().out.partition("Commands:")[2].splitlines()[1:]
    assert commands
    assert all(line.endswith(".") and not line.endswith("...") for line in commands)


@pytest.mark.parametrize("arguments", [[], ["data"], ["models"]])
def test_nothing_asked_for_is_answered_with_the_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("Usage: tumorlens")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["predict", "--bogus"], "--bogus"),
        (["nonsense"], "nonsense"),
        (["predict"], "see: tumorlens predict --help"),
        (["evaluate", "run", "--split", "tset"], "expected test or val"),
        (["evaluate", "run", "--split", "val", "--data", "x"], "leave it out"),
        (["evaluate", "run", "--resamples", "5"], "100"),
        (["predict", "x.png", "--model", "m.onnx", "--overlays"], "needs --out"),
    ],
)
def test_wrong_usage_is_two_and_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUMORLENS_MODEL", raising=False)
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "no-run"], "expected the folder of a finished 'tumorlens train'"),
        (["predict", "x.png", "-m", "missing.onnx"], "missing.onnx: no such file"),
        (["train", "no-data", "--out", "run"], "no-data: no such file or folder"),
        (["train", "no-data", "--out", "run", "--set", "optimizr.lr=1"], "did you mean optimizer?"),
        (["train", "no-data", "--out", "run", "--recipe", "finetun"], "did you mean finetune?"),
        (["data", "info", "figshar"], "did you mean figshare?"),
        (["data", "get", "phantom", "there"], "phantom: nothing to fetch"),
        (["models", "info", "efficientnet_lite"], "did you mean efficientnet_lite"),
    ],
)
def test_work_that_fails_is_one_and_one_line(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert main(["data", "table", str(phantoms), "--out", str(file / "table.csv")]) == 1
    err = capsys.readouterr().err
    assert str(file) in err
    assert err.count("\n") == 1


def test_an_interrupt_is_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tumorlens.datasets.dataset", interrupted)
    assert main(["data", "info", "figshare"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_a_reader_that_goes_early_is_met_with_silence() -> None:
    command = [sys.executable, "-m", "tumorlens", "data", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
