"""Every measurement runs in its own process, and a failure names its cause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tumorlens.benchmarking.timing import BenchmarkJob, _times, run_job

JOB = BenchmarkJob("channels-last", "mini_resnet", 4, 1, 32, "", (8, 1), "cpu", 1, 0.02)


def test_batches_are_measured_smallest_first_with_their_peaks() -> None:
    times, error = run_job(JOB)
    assert error == ""
    assert [one.batch for one in times] == [1, 8]
    for one in times:
        assert all(0 < seconds < 5 for seconds in one.seconds)
        assert one.peak_device_memory is None
    peaks = [times[0].baseline_memory, *(one.peak_memory for one in times)]
    if None not in peaks:  # systems that report it
        assert 10e6 < peaks[0] <= peaks[1] <= peaks[2]


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (replace(JOB, backend="onnxruntime", onnx_path="missing.onnx"), "missing.onnx"),
        (replace(JOB, model="mini_resnt"), "did you mean mini_resnet"),
    ],
)
def test_a_failed_process_gives_its_reason_in_one_line(job: BenchmarkJob, words: str) -> None:
    times, error = run_job(job)
    assert times == []
    assert words in error
    assert "\n" not in error


def test_a_pass_longer_than_the_measuring_time_is_timed_once() -> None:
    calls: list[int] = []
    seconds = _times(lambda: [calls.append(1), sum(range(200_000))], 1e-9)
    assert len(calls) == 2  # one to warm up
    assert len(seconds) == 1
