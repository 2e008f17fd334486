"""One protocol for the progress of long work.

Functions that take long have a parameter `progress`: a callable, ``True`` for bars on standard error, ``None`` for
silence. What they have to say beside that goes to ``logging.getLogger("tumorlens")`` and its children.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Called again and again while work is done."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """So much of a stage is done.

        Args:
            stage: its name, for example ``"inference"``; it may occur again, as in every fold of a cross-validation.
            done: items, pixels or bytes that are done; 0 where a stage begins, `total` where it ends.
            total: of this stage; None where it is not known.
        """


ProgressOption = Progress | bool | None
"""What callers give: a callable, True for bars on standard error, None or False for silence."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Show nothing."""


@contextmanager
def progress_of(option: ProgressOption, *, in_bytes: bool = False) -> Iterator[Progress]:
    """What a caller gave -> a callable for the work inside the block.

    Args:
        option: a callable is handed on, True becomes one bar for each stage, None and False become silence.
        in_bytes: as in `bars`.
    """
    if option is None or isinstance(option, bool):
        if not option:
            yield silent
            return
        with bars(in_bytes=in_bytes) as progress:
            yield progress
        return
    yield option


@contextmanager
def bars(*, in_bytes: bool = False) -> Iterator[Progress]:
    """One bar for each stage that runs, on standard error; nothing where standard error is no terminal.

    What is written to standard error meanwhile, such as log messages, appears above the bars.

    Args:
        in_bytes: the stages count bytes, as downloads do; show them as MB, with the speed.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars

    counts = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(),)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), *counts, TimeRemainingColumn())
    screen = Console(stderr=True, markup=False, highlight=False)
    # Standard output holds results alone; it may go to a file while standard error is a terminal.
    with Bars(*columns, console=screen, transient=True, redirect_stdout=False, disable=not screen.is_terminal) as shown:
        tasks: dict[str, TaskID] = {}
        last: dict[str, int] = {}

        def step(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = shown.add_task(stage, total=total)
            elif done < last[stage]:
                shown.reset(tasks[stage])
            last[stage] = done
            finished = total is not None and done >= total
            shown.update(tasks[stage], completed=done, total=total, visible=not finished)

        yield step


def stage_of(progress: Progress, stage: str) -> Progress:
    """The progress of one stage: whatever the work inside calls its own, it is shown under this name."""
    return lambda _, done, total: progress(stage, done, total)


def part_of(progress: Progress, part: int, parts: int) -> Progress:
    """The progress of one of several equal parts of a stage, as a share of the whole; parts count from 0."""

    def step(stage: str, done: int, total: int | None) -> None:
        whole = None if total is None else parts * total
        progress(stage, done if total is None else part * total + done, whole)

    return step
