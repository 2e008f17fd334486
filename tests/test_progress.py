"""One protocol for progress."""

from __future__ import annotations

import pytest

from tumorlens._progress import progress_of, stage_of


def test_a_callable_is_handed_on_and_counts_by_stage() -> None:
    seen: list[tuple[str, int, int | None]] = []
    with progress_of(lambda stage, done, total: seen.append((stage, done, total))) as progress:
        progress("inference", 1, 2)
        stage_of(progress, "decoding")(3, 4)
    assert seen == [("inference", 1, 2), ("decoding", 3, 4)]


@pytest.mark.parametrize("option", [None, False, True])
def test_without_a_terminal_nothing_is_written(option: bool | None, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of(option) as progress:
        progress("inference", 1, None)
    assert capsys.readouterr() == ("", "")
