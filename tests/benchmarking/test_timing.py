"""A measurement is made in a process of its own, and one that fails says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tumorlens.benchmarking.timing import BenchmarkJob, _times, run

JOB = BenchmarkJob("channels-last", "mini_resnet", 4, 1, 32, "", (8, 1), "cpu", 1, 0.02)


def test_batches_are_measured_smallest_first_with_their_peaks() -> None:
    timings, reason = run(JOB)
    assert reason == ""
    assert [timing.batch for timing in timings] == [1, 8]
    for timing in timings:
        assert all(0 < seconds < 5 for seconds in timing.seconds)
        assert timing.peak_device_memory is None
    peaks = [timings[0].memory_before, *(timing.peak_memory for timing in timings)]
    if None not in peaks:  # systems that say
        assert 10e6 < peaks[0] <= peaks[1] <= peaks[2]


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (replace(JOB, backend="onnxruntime", graph="missing.onnx"), "missing.onnx"),
        (replace(JOB, model="mini_resnt"), "did you mean mini_resnet"),
    ],
)
def test_a_process_that_fails_says_why_in_one_line(job: BenchmarkJob, words: str) -> None:
    timings, reason = run(job)
    assert timings == []
    assert words in reason
    assert "\n" not in reason


def test_a_pass_that_takes_longer_than_the_time_given_is_timed_once() -> None:
    calls: list[int] = []
    seconds = _times(lambda: [calls.append(1), sum(range(200_000))], 1e-9)
    assert len(calls) == 2  # one to warm up
    assert len(seconds) == 1
