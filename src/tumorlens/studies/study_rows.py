"""Results of many studies -> studies.jsonl, the files of each study, and run.json in one folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tumorlens._json_lines import JsonLines
from tumorlens._record import Record
from tumorlens.deploy.prediction_files import RECORD, check_same
from tumorlens.studies.find_studies import StudySource
from tumorlens.studies.result_kinds import WrittenResults
from tumorlens.studies.study_files import STUDY, write_study
from tumorlens.studies.study_result import StudyResult

ROWS = "studies.jsonl"
_IN_FILE_ALONE = ("slices", "sources")  # of study.json; a row has one line
_SAME = ("verb", "model_sha256", "spacing", "series", "any_series", "planes", "volume", "write")


def check_resumed(folder: Path, record: Record) -> None:
    """Refuse to go on in a folder with studies of another model or other settings; before anything is written to it.

    Args:
        folder: of the interrupted call.
        record: of this call, with the settings of studies.

    Raises:
        RunError: the folder holds no predictions, or a setting differs.
    """
    check_same(folder, record, _SAME)


class StudyRows:
    """The files of one or several studies; a context, at whose end the record is complete.

    The files of a single study are in the folder itself, those of several in ``study-0001`` and so on.

    Args:
        folder: claimed by the caller; empty unless a call is resumed, which `check_resumed` has allowed.
        record: of the command.
        count: number of studies.
        kinds: of `RESULT_KINDS` that each study is written as, beside its other files.

    Attributes:
        folder: that holds the files.
        done: source and StudyInstanceUID of the studies that have a row.
        failed: messages about studies that have no result; the caller adds them.
    """

    def __init__(self, folder: Path, record: Record, count: int, kinds: Sequence[str] = ()) -> None:
        self.folder, self.failed, self._record, self._count = folder, list[str](), record, count
        self._kinds = kinds
        self._lines = JsonLines(folder / ROWS)
        self.done = {(row["source"], row["study_instance_uid"]) for row in self._lines.rows()}
        record.add(finished=False)
        record.write(folder, RECORD)

    def __enter__(self) -> StudyRows:
        self._lines.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lines.close()
        outputs = dict.fromkeys([*self._record.facts.get("outputs", ()), ROWS])
        self._record.add(
            studies_done=len(self.done), studies_failed=self.failed, finished=kind is None, outputs=list(outputs)
        )
        if kind is None:
            self._record.write(self.folder, RECORD)
        else:
            with contextlib.suppress(OSError):  # the first error is the one to report
                self._record.write(self.folder, RECORD)

    def holds(self, source: StudySource) -> bool:
        """Whether a study has a row."""
        return (str(source.path), source.study_uid) in self.done

    def add(self, result: StudyResult, number: int) -> WrittenResults | None:
        """Write the files of a study, then its row.

        Args:
            result: of the study.
            number: of the study, from 1.

        Returns:
            What was written of the wanted kinds; None where none is wanted.
        """
        name = "." if self._count == 1 else f"study-{number:04d}"
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        written = result.write(folder, self._kinds) if self._kinds else None
        write_study(result, folder, self._record.facts, written)
        content = json.loads((folder / STUDY).read_text(encoding="utf-8"))
        self._lines.add({key: value for key, value in content.items() if key not in _IN_FILE_ALONE} | {"folder": name})
        self.done.add((result.source, result.choice.study_instance_uid))
        return written
