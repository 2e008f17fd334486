"""One protocol for the progress of long work, and the logger of the package.

Functions that take long have a parameter `progress`: a callable, ``True`` for bars on standard error, ``None`` for
silence. What they have to say beside that goes to ``logging.getLogger("tumorlens")``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

LOGGER = logging.getLogger("tumorlens")


class Progress(Protocol):
    """Called again and again while work is done."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """So much of a stage is done.

        Args:
            stage: its name, for example ``"inference"``.
            done: items, pixels or bytes that are done.
            total: of this stage; None where it is not known.
        """


ProgressOption = Progress | bool | None
"""What callers give: a callable, True for bars on standard error, None or False for silence."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Show nothing."""


@contextmanager
def progress_of(option: ProgressOption) -> Iterator[Progress]:
    """What a caller gave -> a callable for the work inside the block.

    Args:
        option: a callable is handed on, True becomes one bar for each stage, None and False become silence.
    """
    if option is None or isinstance(option, bool):
        if not option:
            yield silent
            return
        with bars() as progress:
            yield progress
        return
    yield option


@contextmanager
def bars() -> Iterator[Progress]:
    """One bar for each stage on standard error; nothing where standard error is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    screen = Console(stderr=True, markup=False, highlight=False)
    with Bars(*columns, console=screen, transient=True, disable=not screen.is_terminal) as shown:
        tasks: dict[str, TaskID] = {}

        def step(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = shown.add_task(stage, total=total)
            shown.update(tasks[stage], completed=done, total=total)

        yield step


def stage_of(progress: Progress, stage: str) -> Callable[[int, int], None]:
    """The progress of one stage, for work that counts without a name of its own."""
    return lambda done, total: progress(stage, done, total)
