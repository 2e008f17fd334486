"""Path of a study -> StudyResult: the series is chosen by its tags, predicted, and refused where it is mostly OOD."""

from __future__ import annotations

from pathlib import Path

from tumorlens._progress import ProgressOption, progress_of
from tumorlens.deploy.predictor import Predictor, load
from tumorlens.deploy.shipped import DEFAULT_MODEL
from tumorlens.errors import StudyError
from tumorlens.studies.find_studies import StudySource, find_studies, one_study
from tumorlens.studies.predict_volume import Planes, predict_volume
from tumorlens.studies.study_result import StudyResult

_MOST_OOD = 0.5  # share of slices out of distribution above which a series that the rule chose is refused


def predict_study(
    path: str | Path,
    model: str | Path | Predictor = DEFAULT_MODEL,
    *,
    series: str | int | None = None,
    any_series: bool = False,
    planes: Planes = "auto",
    spacing: tuple[float, float, float] | None = None,
    number: int | None = None,
    progress: ProgressOption = None,
) -> StudyResult:
    """Predict one study: choose the series, predict its slices, and join what is segmented into findings in 3D.

    Args:
        path: a folder with DICOM files (and its subfolders), a zip archive, a DICOMDIR, one DICOM file with several
            frames, or a NIfTI file.
        model: path of a model file, the name of a shipped model, or a predictor; one with a single thread is fastest.
        series: number or SeriesInstanceUID of the series to predict; None to choose by the tags.
        any_series: predict also where no series is known to be T1 after contrast, or more than half of the slices are
            out of distribution.
        planes: as in `predict_volume`.
        spacing: millimeters between slices, rows and columns, where the header gives none or a wrong one.
        number: of the volume in a NIfTI file with four dimensions, counted from 1.
        progress: a callable, True for bars, None for silence.

    Raises:
        ScanError: the path cannot be read, or holds no slices of a head.
        StudyError: it holds no study or several, no series can be used, or most slices are out of distribution.
        ModelFileError: as `load`.

    Example:
        >>> import tumorlens
        >>> result = tumorlens.predict_study("phantom-study", "tiny")  # made by: tumorlens data phantom --study
        >>> result.choice.series["description"], result.choice.use, len(result.choice.passed_over)
        ('T1 axial post contrast', 'yes', 2)
    """
    with progress_of(progress) as step:
        found = find_studies(path, step)
        source = one_study(found, path)
        predictor = model if isinstance(model, Predictor) else load(model, threads=1)
        return predict_source(
            predictor,
            source,
            series=None if series is None else str(series),
            any_series=any_series,
            planes=planes,
            spacing=spacing,
            number=number,
            progress=step,
        )


def predict_source(
    predictor: Predictor,
    source: StudySource,
    *,
    series: str | None = None,
    any_series: bool = False,
    planes: Planes = "auto",
    spacing: tuple[float, float, float] | None = None,
    number: int | None = None,
    jobs: int | None = None,
    progress: ProgressOption = None,
) -> StudyResult:
    """Predict one study that was found; arguments and errors are those of `predict_study`."""
    volume, choice = source.choose(series, any_series=any_series, number=number)
    if spacing:
        volume = volume.with_spacing(spacing)
    result = predict_volume(
        predictor,
        volume,
        planes=planes,
        choice=choice,
        source=str(source.path),
        jobs=jobs,
        progress=progress,
    )
    slices, flagged = len(result.acquired_slices), result.ood_slices or 0
    if flagged > _MOST_OOD * slices and choice.chosen == "rule" and not any_series:
        raise StudyError(
            f"{flagged} of {slices} slices of the series are out of distribution",
            file=source.path,
            expected="at most half",
            advice="look at the series; predict it all the same with --any-series",
        )
    return result
