"""Two evaluated runs -> Comparison: paired differences of their metrics on the same images, with intervals."""

from __future__ import annotations

from dataclasses import replace

from tumorlens.comparison.comparison_caveats import comparison_caveats, sampling_units
from tumorlens.comparison.comparison_facts import ComparedRunFacts, ComparisonFacts
from tumorlens.comparison.paired_classification import Comparison, compare_predictions
from tumorlens.comparison.paired_segmentation import compare_segmentation
from tumorlens.errors import DataError, RunError
from tumorlens.evaluation.stored_evaluation import read_evaluation
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Run


def compare(
    first: Run,
    second: Run,
    *,
    evaluation: str = "test",
    common: bool = False,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare the classification and the segmentation of two runs on the same test images.

    Args:
        first: an evaluated run, the reference of the differences.
        second: another evaluated run.
        evaluation: name of the evaluation in both runs: ``"test"`` is that of their test subsets, ``"hospital"`` that
            of ``tumorlens evaluate RUN --data hospital.csv``.
        common: where the test images differ, compare on the images that both runs were tested on.
        n_resamples: of the bootstrap by patient.
        seed: of the bootstrap.

    Raises:
        RunError: a run is not evaluated, or the runs were tested on different images.
        DataError: an image has different labels in the two evaluations.

    Example:
        >>> import tumorlens
        >>> first, second = map(tumorlens.load_run, ["run", "second-run"])  # evaluated; the second is a copy here
        >>> comparison = tumorlens.compare(first, second, n_resamples=100)
        >>> comparison.p_value, comparison.conclusion
        (1.0, 'Both classify the same images correctly: no difference in accuracy is shown.')
    """
    if first.folder.resolve() == second.folder.resolve():
        raise RunError(file=first.folder, found="given twice", expected="two runs to compare")
    one, two = read_evaluation(first, evaluation), read_evaluation(second, evaluation)
    both = [name for name in one.predictions if name in two.predictions]
    if not len(one.predictions) == len(two.predictions) == len(both) and not (common and both):
        instead = "add --common to compare on the common ones, or " if both else ""
        raise RunError(
            found=f"{first.folder} and {second.folder} were tested on different images, {len(one.predictions):,} and "
            f"{len(two.predictions):,}, of which {len(both):,} are common",
            expected="runs that were tested on the same images",
            advice=f"{instead}evaluate both on one set: tumorlens evaluate RUN --data DATA",
        )
    conflicting = [name for name in both if one.predictions[name].label != two.predictions[name].label]
    if conflicting:
        labels = " and ".join(evaluation.predictions[conflicting[0]].label for evaluation in (one, two))
        raise DataError(
            found=f"{len(conflicting):,} of {len(both):,} images have another label in the other run, the first is "
            f"{conflicting[0]}: {labels}",
            expected="the same label",
            advice="evaluate both on one set: tumorlens evaluate RUN --data DATA",
        )
    bootstrap = ClusterBootstrap(*sampling_units(one, two, both), n_resamples, seed)
    comparison = compare_predictions(
        [one.predictions[name].label for name in both],
        [one.predictions[name].predicted for name in both],
        [two.predictions[name].predicted for name in both],
        bootstrap,
        names=_names(first, second),
    )
    return replace(
        comparison,
        first=replace(comparison.first, facts=ComparedRunFacts.of(one.record)),
        second=replace(comparison.second, facts=ComparedRunFacts.of(two.record)),
        caveats=comparison_caveats((first, second), (one, two), both, comparison.accuracy),
        segmentation=compare_segmentation(one, two, both, bootstrap),
        facts=ComparisonFacts(
            data=one.record.data,
            data_fingerprint=one.record.data_fingerprint,
            subset=one.record.subset,
            n_resamples=n_resamples,
            seed=seed,
        ),
    )


def _names(first: Run, second: Run) -> tuple[str, str]:
    """The names of the folders, or their paths where the names are equal."""
    one, two = first.folder, second.folder
    return (one.name, two.name) if one.resolve().name != two.resolve().name else (str(one), str(two))
