"""The arrow two evaluated runs -> how much better the second is, on the same images, with an interval."""

from __future__ import annotations

from dataclasses import replace

from tumorlens.comparison.comparison_caveats import caveats, resampled
from tumorlens.comparison.paired_classification import Comparison, compare_predictions
from tumorlens.comparison.paired_segmentation import compare_drawn
from tumorlens.errors import DataError, RunError
from tumorlens.evaluation.stored_evaluation import read_evaluation
from tumorlens.stats import ClusterBootstrap
from tumorlens.training import Run

_OF_A_RUN = ("model", "recipe", "training_seed", "weights", "split_hash")


def compare(
    first: Run,
    second: Run,
    *,
    evaluation: str = "test",
    common: bool = False,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """How much more accurate the second run is, and how much better it draws, on the same test images.

    Args:
        first: the run compared with; evaluated.
        second: another one; evaluated.
        evaluation: name of the evaluation in both runs: ``"test"`` is that of their test subsets, ``"hospital"`` that
            of ``tumorlens evaluate RUN --data hospital.csv``.
        common: where the test images differ, compare on those that both were tested on.
        n_resamples: of the bootstrap by patient.
        seed: of the bootstrap.

    Raises:
        RunError: a run is not evaluated, or they were tested on different images.
        DataError: they disagree about what is in an image.
    """
    if first.folder.resolve() == second.folder.resolve():
        raise RunError(f"{first.folder}: given twice; expected two runs to compare")
    one, two = read_evaluation(first, evaluation), read_evaluation(second, evaluation)
    both = [name for name in one.answers if name in two.answers]
    if not len(one.answers) == len(two.answers) == len(both) and not (common and both):
        instead = "add --common to compare on those, or" if both else "to compare them,"
        raise RunError(
            f"{first.folder} and {second.folder} were tested on different images, {len(one.answers):,} and "
            f"{len(two.answers):,}, of which {len(both):,} are common; {instead} evaluate both on one set: "
            "tumorlens evaluate RUN --data DATA"
        )
    torn = [name for name in both if one.answers[name].label != two.answers[name].label]
    if torn:
        labels = " and ".join(of.answers[torn[0]].label for of in (one, two))
        raise DataError(
            f"{len(torn):,} of {len(both):,} images have another label in the other run, the first is {torn[0]}: "
            f"{labels}; expected one truth; evaluate both on one set: tumorlens evaluate RUN --data DATA"
        )
    bootstrap = ClusterBootstrap(*resampled(one, two, both), n_resamples, seed)
    found = compare_predictions(
        [one.answers[name].label for name in both],
        [one.answers[name].predicted for name in both],
        [two.answers[name].predicted for name in both],
        bootstrap,
        names=_names(first, second),
    )
    return replace(
        found,
        first=replace(found.first, facts={key: one.facts[key] for key in _OF_A_RUN}),
        second=replace(found.second, facts={key: two.facts[key] for key in _OF_A_RUN}),
        caveats=caveats((first, second), (one, two), both, found.accuracy),
        drawn=compare_drawn(one, two, both, bootstrap),
        facts={"data": one.facts["data"], "part": one.facts["part"], "n_resamples": n_resamples, "seed": seed},
    )


def _names(first: Run, second: Run) -> tuple[str, str]:
    """The folders' names, or their paths where those are the same."""
    one, two = first.folder, second.folder
    return (one.name, two.name) if one.resolve().name != two.resolve().name else (str(one), str(two))
