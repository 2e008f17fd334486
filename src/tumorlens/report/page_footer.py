"""Facts of a run record -> the small print of a page."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tumorlens


@dataclass(frozen=True)
class PageFooter:
    """Where a page comes from. A page has no clock: facts that nobody gives are left out.

    Attributes:
        date: when the command started, ISO 8601.
        version: of tumorlens.
        command: as typed.
        seed: of the results on the page.
        data_fingerprint: of the data.
        notes: further lines of small print.
    """

    date: str = ""
    version: str = tumorlens.__version__
    command: str = ""
    seed: int | None = None
    data_fingerprint: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        record: Mapping[str, Any] | None,
        *notes: str,
        seed: int | None = None,
        data_fingerprint: str | None = None,
    ) -> PageFooter:
        """The small print of a page of results.

        Args:
            record: facts of the run record, as in run.json; None where there is none.
            notes: further lines of small print.
            seed: of the results; that of the record by default.
            data_fingerprint: of the data; that of the record by default.
        """
        known = record or {}
        return cls(
            date=str(known.get("started") or ""),
            command=shlex.join(map(str, known.get("command") or ())),
            seed=known.get("seed") if seed is None else seed,
            data_fingerprint=data_fingerprint or str(known.get("data_fingerprint") or ""),
            notes=notes,
        )

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the known facts, in the order of the page."""
        facts = (
            ("Date", self.date.replace("T", " ").replace("+00:00", " UTC")),
            ("tumorlens", self.version),
            ("Command", self.command),
            ("Seed", "" if self.seed is None else str(self.seed)),
            ("Data fingerprint", self.data_fingerprint),
        )
        return tuple((name, value) for name, value in facts if value)
