"""Every measurement runs in its own process, and a failure names its cause."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from tests.fixtures.refusal import assert_refused
from tumorlens.benchmarking.timing import BenchmarkJob, _times, main, run_job
from tumorlens.errors import ModelError

JOB = BenchmarkJob("channels-last", "mini_resnet", 4, 1, 32, "", (8, 1), "cpu", 1, 0.02)


def test_a_failed_process_gives_its_reason_in_one_line() -> None:
    times, error = run_job(replace(JOB, backend="onnxruntime", onnx_path="missing.onnx"))
    assert times == []
    assert "missing.onnx" in error
    assert "\n" not in error


def test_a_process_ends_with_an_unknown_network_and_prints_no_times(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # Not in a process of its own, which would import PyTorch for five seconds.
    monkeypatch.setattr("tumorlens.benchmarking.timing.keep_freed_memory", lambda: True)
    monkeypatch.setattr("sys.argv", ["timing", json.dumps(asdict(replace(JOB, model="mini_resnt")))])
    with assert_refused(ModelError, advice="did you mean mini_resnet") as caught:
        main()
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().out == ""


def test_a_pass_longer_than_the_measuring_time_is_timed_once() -> None:
    calls: list[int] = []
    seconds = _times(lambda: [calls.append(1), sum(range(200_000))], 1e-9)
    assert len(calls) == 2  # one to warm up
    assert len(seconds) == 1
