"""tumorlens predict, for studies: one result for each, with its findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from tumorlens.cli.common import ExitCode, fail, in_one_line, print_json, print_status, progress

if TYPE_CHECKING:
    from tumorlens._record import Record
    from tumorlens.deploy.predictor import Predictor
    from tumorlens.studies.find_studies import StudySource
    from tumorlens.studies.study_result import StudyResult


@dataclass(frozen=True)
class StudyOptions:
    """What is wanted for studies; see the options of the command line."""

    out_dir: Path | None
    spacing: tuple[float, ...] | None
    series: str | None
    any_series: bool
    planes: Literal["auto", "acquired", "three"]
    volume: int | None
    write: tuple[str, ...]
    jobs: int
    json: bool


def predict_studies(
    predictor: Predictor, sources: Sequence[StudySource], wanted: StudyOptions, record: Record
) -> ExitCode:
    """Predict studies one after the other; one that fails does not stop the rest."""
    from tumorlens.errors import TumorlensError
    from tumorlens.studies.predict_study import predict_source
    from tumorlens.studies.study_rows import StudyRows

    code = ExitCode.DONE
    with ExitStack() as stack:
        rows = None
        if wanted.out_dir:
            rows = stack.enter_context(StudyRows(wanted.out_dir, record, len(sources), wanted.write))
        for number, source in enumerate(sources, 1):
            if rows and rows.holds(source):
                continue
            for refusal in source.refusals:
                if refusal.damaged:
                    code = fail_study(source, f"left out {refusal}", rows.failed if rows else [])
            try:
                with progress() as step:
                    result = predict_source(
                        predictor,
                        source,
                        series=wanted.series,
                        any_series=wanted.any_series,
                        planes=wanted.planes,
                        spacing=cast("tuple[float, float, float] | None", wanted.spacing),
                        number=wanted.volume,
                        jobs=wanted.jobs,
                        progress=step,
                    )
            except TumorlensError as error:
                code = fail_study(source, str(error), rows.failed if rows else [])
                continue
            if rows and (written := rows.add(result, number)):
                for kind, reason in written.refused.items():
                    code = fail_study(source, f"not written as {kind}: {reason}", rows.failed)
            if wanted.json:
                print_json(result.to_dict())
            else:
                print("\n".join(_lines(result)), flush=True)
            if rows and written and written.left_out and not wanted.json:
                print(f"  not written: {', '.join(written.left_out)}; nothing was found")
            if code == ExitCode.DONE and result.choice.series and result.choice.use != "yes":
                code = ExitCode.ATTENTION
    if rows:
        print_status(f"written: {len(rows.done)} {'study' if len(rows.done) == 1 else 'studies'} in {wanted.out_dir}")
    return code


def fail_study(source: StudySource, text: str, failed: list[str]) -> ExitCode:
    """Report a study without a result, or a damaged file of it."""
    failed.append(text if text.startswith(str(source.path)) else f"{source.path}: {text}")
    fail(failed[-1])
    return ExitCode.FAILED


def _lines(result: StudyResult) -> Iterator[str]:
    """The conclusion, a line for each finding, and what is to be known."""
    from tumorlens.report.text import number

    series = result.choice.series
    name = f"series {series['series_number']} {series['description']}".strip() if series else "volume"
    yield in_one_line(f"{result.source}: {result.conclusion}; {name}, {result.choice.reason}")
    for one in result.findings:
        mark = "" if one.above_limit else " (not above the limit)"
        slices = f"slices {one.first_slice + 1} to {one.last_slice + 1} of {len(result.volume)}"
        tumor = f"tumor {number(one.tumor_probability, percent=True)}"
        yield "; ".join([f"  {one.number}: {one}{mark}", tumor, slices, *one.flags])
    for flag in result.flags:
        yield f"  {flag}"
    if passed := len(result.choice.passed_over):
        yield f"  passed over: {passed} other series, see: tumorlens series"
