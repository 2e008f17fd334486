"""One protocol for progress; bars on a terminal alone; messages through one logger."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from tumorlens._progress import Progress, bars, part_of, progress_of, stage_of

Steps = list[tuple[str, int, int | None]]


def _recorder(steps: Steps) -> Progress:
    return lambda stage, done, total: steps.append((stage, done, total))


def test_a_callable_is_handed_on() -> None:
    steps: Steps = []
    with progress_of(_recorder(steps)) as progress:
        progress("inference", 1, 2)
    assert steps == [("inference", 1, 2)]


def test_work_inside_a_stage_is_shown_under_its_name() -> None:
    steps: Steps = []
    stage_of(_recorder(steps), "finding duplicates")("comparing images", 3, 4)
    assert steps == [("finding duplicates", 3, 4)]


def test_equal_shares_count_towards_the_whole() -> None:
    steps: Steps = []
    for part in range(2):
        step = part_of(_recorder(steps), part, 2)
        for done in (1, 2):
            step("comparing", done, 2)
    part_of(_recorder(steps), 1, 2)("comparing", 7, None)
    assert steps == [*(("comparing", done, 4) for done in (1, 2, 3, 4)), ("comparing", 7, None)]


@pytest.mark.parametrize("option", [None, False, True])
def test_without_a_terminal_nothing_is_written(option: bool | None, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of(option) as progress:
        progress("inference", 1, None)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_bars_on_standard_error_and_results_stay_on_standard_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes any stream for a terminal
    monkeypatch.setenv("COLUMNS", "100")
    with bars() as progress:
        for fold in range(2):
            progress("training", 0, 2)
            progress("training", 1, 2)
            print(f"result {fold}")
            print(f"message {fold}", file=sys.stderr)
            progress("training", 2, 2)
    out, err = capsys.readouterr()
    assert out == "result 0\nresult 1\n"
    assert "training" in err
    assert "message 0" in err
    assert "message 1" in err


def test_the_package_has_a_handler_of_its_own_so_that_its_messages_are_silent() -> None:
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("tumorlens").handlers)
    code = "import logging, tumorlens; logging.getLogger('tumorlens.training').warning('not shown')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
