"""stacks of a study -> for each whether it is T1 after contrast, and the one to use, with reasons.

Tags decide: repetition, echo and inversion time, sequence, image type, contrast agent, description.
What they leave open is "unknown"; nothing is guessed from pixels, names of files or the order of series.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tumorlens.scan.dicom.frames import frame_value
from tumorlens.scan.dicom.stacks import Stack, series_of

if TYPE_CHECKING:
    from pydicom import Dataset

Use = Literal["yes", "no", "unknown"]

FEWEST_SLICES = 5
"""A stack with fewer slices shows no head: it is a localizer or a part of one."""

_HEAD = re.compile(r"HEAD|BRAIN|SKULL|CRANI|PITUIT|SELLA|HYPOPHYS|NEURO|IAC|ORBIT|CEREB|FACE", re.IGNORECASE)
_DERIVED = {
    "LOCALIZER": "a localizer",
    "MIP": "a projection",
    "PROJECTION IMAGE": "a projection",
    "ADC": "a map of diffusion",
    "TRACEW": "a map of diffusion",
    "FA": "a map of diffusion",
    "COLFA": "a map of diffusion",
    "SCREEN SAVE": "a copy of a screen",
    "SUBTRACTION": "a subtraction of two series",
    "SUBTRACT": "a subtraction of two series",
    "PERFUSION": "a perfusion series",
    "ASL": "a perfusion series",
    "ANGIO": "an angiography",
    "SWI": "susceptibility-weighted",
    "PHASE MAP": "a phase image",
}
_WORDS = (
    (r"LOC(ALI[SZ]ER)?|SCOUT|SURVEY|3[- ]?PLANE", "a localizer"),
    (r"SUB(?![ -]*[0-9])|SUBTRACTION", "a subtraction of two series"),
    (r"MIP|PROJ\w*", "a projection"),
    (r"TOF|MRA|MRV|ANGIO\w*|VENO\w*", "an angiography"),
    (r"SWI|SWAN|VENBOLD|T2 ?STAR|HEMO", "susceptibility-weighted"),
    (r"PERF\w*|DSC|DCE|ASL|CBF|RCBF|RELCBF|RCBV", "a perfusion series"),
    (r"DWI|DTI|DIFF\w*|ADC|TRACEW?|B1000", "diffusion-weighted"),
    (r"FMRI|BOLD|REST\w*", "a functional series"),
    (r"FIELD ?MAP|B0 ?MAP", "a field map"),
)
_NONE = r"(W/?O|WITHOUT|NON?|OHNE|SANS|SIN)"
_AGENT = r"(CONTRAST\w*|GAD\w*|GD|KM|CE|C|IV)"
_AFTER = re.compile(rf"(?<![A-Z])(POST(?![ -]*OP)|C ?\+|\+ ?{_AGENT}|(WITH )?{_AGENT}|ENHANCED)(?![A-Z])")
_BEFORE = re.compile(rf"(?<![A-Z])(PRE(?![ -]*OP)|NATIV\w*|UNENHANCED|{_NONE}[ -]*{_AGENT}|W/?O$|- ?C)(?![A-Z])")


@dataclass(frozen=True)
class SeriesVerdict:
    """Whether a stack is what the models were made for: T1 after contrast, of a head.

    Attributes:
        use: ``"yes"``, ``"no"`` or ``"unknown"``.
        reason: a short sentence.
        contrast: whether contrast was given; None where nothing says so.
    """

    use: Use
    reason: str
    contrast: bool | None = None


@dataclass(frozen=True)
class _Tags:
    """What decides, of a file with one image or of the first frame of an enhanced one."""

    modality: str
    image_type: tuple[str, ...]
    body_part: str
    words: str
    sequence: tuple[str, ...]
    echo: float | None
    repetition: float | None
    inversion: float | None
    b_value: float | None
    agent: bool


def verdicts(stacks: Sequence[Stack]) -> list[SeriesVerdict]:
    """Judge each stack of a study.

    Args:
        stacks: of one study, as `read_stacks` returns them: whether one is a localizer depends on the others.

    Example:
        >>> from pydicom import examples
        >>> from tumorlens.scan.dicom.read_stacks import read_stacks
        >>> verdicts(read_stacks(examples.get_path("mr")).stacks)
        [SeriesVerdict(use='no', reason='too few slices (1): a localizer or a part', contrast=None)]
    """
    planes: defaultdict[str, set[str]] = defaultdict(set)
    for stack in stacks:
        planes[series_of(stack.header)[0]].add(stack.volume().plane)
    return [_verdict(stack, len(planes[series_of(stack.header)[0]])) for stack in stacks]


def choose(stacks: Sequence[Stack], judged: Sequence[SeriesVerdict], uses: Iterable[Use] = ("yes",)) -> int | None:
    """The index of the stack to use; None where none may be used.

    Of several the one with a common affine, then with most slices, then axial, then acquired last, then with the lowest
    series number.

    Args:
        stacks: of one study.
        judged: the verdict of each.
        uses: that are allowed, the best first; a stack of a later one is taken where there is none of an earlier one.
    """

    def rank(i: int) -> tuple[object, ...]:
        stack = stacks[i]
        time = str(stack.header.get("AcquisitionTime") or stack.header.get("SeriesTime") or "")
        return stack.irregular is None, len(stack.frames), stack.volume().plane == "axial", time, -i

    for use in uses:
        if candidates := [i for i, verdict in enumerate(judged) if verdict.use == use]:
            return max(candidates, key=rank)
    return None


def _verdict(stack: Stack, planes: int) -> SeriesVerdict:
    tags = _tags(stack)
    reason = _excluded(tags, len(stack.frames), planes) or _not_t1(tags)
    if reason:
        return SeriesVerdict("no", reason)
    known = _is_t1(tags)
    contrast = _contrast(tags)
    if known is None:
        return SeriesVerdict("unknown", "no echo or repetition time, and no T1 in its description", contrast)
    if not known:
        times = f"repetition time {_ms(tags.repetition)}, echo time {_ms(tags.echo)}"
        return SeriesVerdict("unknown", f"neither T1 nor another known sequence: {times}", contrast)
    if contrast is None:
        return SeriesVerdict("unknown", "T1, and nothing says whether contrast was given")
    if not contrast:
        return SeriesVerdict("no", "T1 without contrast", contrast)
    return SeriesVerdict("yes", "T1 after contrast", contrast)


def _excluded(tags: _Tags, slices: int, planes: int) -> str | None:
    """Why a stack is no plain MR series of a head; None where it may be one."""
    if tags.modality != "MR":
        return f"{tags.modality or 'no modality'}, not MR"
    for value in tags.image_type:
        if value in _DERIVED:
            return _DERIVED[value]
    if tags.body_part and not _HEAD.search(tags.body_part):
        return f"of the body part {tags.body_part.lower()}"
    for pattern, found in _WORDS:
        if re.search(rf"(?<![A-Z0-9])({pattern})(?![A-Z0-9])", tags.words):
            return found
    if slices < FEWEST_SLICES:
        return f"too few slices ({slices}){' in each of several planes' if planes > 1 else ''}: a localizer or a part"
    if tags.b_value:
        return f"diffusion-weighted, b-value {tags.b_value:g}"
    if "EP" in tags.sequence:
        return "echo-planar: diffusion, perfusion or functional"
    return None


def _not_t1(tags: _Tags) -> str | None:
    """The other weighting that a series has; None where it may be T1."""
    short = tags.echo is not None and tags.echo < 30
    if (tags.inversion or 0) > 1500 and (tags.echo or 0) > 60:
        return f"FLAIR: inversion time {tags.inversion:g} ms, echo time {tags.echo:g} ms"
    named_t1 = re.search(r"T1|MP ?-?RAGE|SPGR|BRAVO", tags.words)
    if re.search(r"FLAIR|TIRM|DARK.?FLUID|STIR", tags.words) and not (named_t1 or short):
        return "FLAIR or STIR by its description"
    if tags.echo is not None and tags.echo > 60:
        return f"T2: echo time {tags.echo:g} ms"
    if re.search(r"(?<![A-Z0-9])(T2|PD)", tags.words) and not (named_t1 or short):
        return "T2 or PD by its description"
    return None


def _is_t1(tags: _Tags) -> bool | None:
    """Whether times or description say T1; None where they say nothing."""
    echo, repetition, inversion = tags.echo, tags.repetition, tags.inversion
    if echo is None or repetition is None:
        return True if re.search(r"T1|MP ?-?RAGE|SPGR|BRAVO", tags.words) else None
    if "GR" in tags.sequence:
        return echo < 10 and (500 <= (inversion or 0) <= 1300 or repetition < 400)
    return echo < 30 and (repetition < 1000 or 500 <= (inversion or 0) <= 1300)


def _contrast(tags: _Tags) -> bool | None:
    """Whether contrast was given, by tag or description."""
    if tags.agent:
        return True
    if _BEFORE.search(tags.words):
        return False
    return True if _AFTER.search(tags.words) else None


def _tags(stack: Stack) -> _Tags:
    frame = stack.frames[0]
    header = frame.file.header
    enhanced = frame.number is not None

    def first(keyword: str, *groups: tuple[str, str]) -> Any:
        """A value of the header, or of the functional groups of an enhanced file."""
        value = header.get(keyword)
        for group in groups if enhanced and value in (None, "") else ():
            value = frame_value(header, frame.index, *group)
            if value not in (None, ""):
                break
        return value

    words = " ".join(str(header.get(k) or "") for k in ("SeriesDescription", "ProtocolName", "SequenceName"))
    agent = str(header.get("ContrastBolusAgent") or "").strip()
    frame_type = _values(first("ImageType", ("MRImageFrameTypeSequence", "FrameType")))
    given = bool(agent) and agent.upper() not in ("NO", "NONE", "N")
    return _Tags(
        modality=str(header.get("Modality") or "").upper(),
        image_type=tuple(str(value).upper() for value in frame_type),
        body_part=str(header.get("BodyPartExamined") or "").strip().upper(),
        words=words.replace("_", " ").upper(),
        sequence=tuple(_sequence(header)),
        echo=_number(first("EchoTime", ("MREchoSequence", "EffectiveEchoTime"))),
        repetition=_number(first("RepetitionTime", ("MRTimingAndRelatedParametersSequence", "RepetitionTime"))),
        inversion=_number(first("InversionTime", ("MRModifierSequence", "InversionTimes"))),
        b_value=_number(first("DiffusionBValue", ("MRDiffusionSequence", "DiffusionBValue"))),
        agent=bool(header.get("ContrastBolusAgentSequence")) or given,
    )


def _sequence(header: Dataset) -> Iterator[str]:
    """Codes of the scanning sequence: SE, GR, IR, EP; of an enhanced file from its own attributes."""
    yield from (str(value).upper() for value in _values(header.get("ScanningSequence")))
    if str(header.get("EchoPulseSequence")).upper() == "GRADIENT":
        yield "GR"
    if str(header.get("EchoPlanarPulseSequence")).upper() == "YES":
        yield "EP"


def _values(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) or not hasattr(value, "__iter__") else value


def _number(value: Any) -> float | None:
    """A number, or the first of several; None without one."""
    for part in _values(value):
        try:
            return float(part)
        except (TypeError, ValueError, OverflowError):
            return None
    return None


def _ms(value: float | None) -> str:
    return "not stated" if value is None else f"{value:g} ms"
