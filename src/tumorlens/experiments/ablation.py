"""Table + several variants of a recipe -> Ablation: an evaluated run per variant, each compared with the first."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tumorlens._progress import Progress, ProgressOption, progress_of
from tumorlens._record import Record, write_json
from tumorlens._results_folder import claim_folder
from tumorlens.comparison.compare import compare
from tumorlens.comparison.paired_classification import Comparison
from tumorlens.datasets import SplitPlan, Table
from tumorlens.errors import RecipeError, RunError, TumorlensError
from tumorlens.evaluation.evaluate_any import evaluate
from tumorlens.evaluation.evaluation_files import write_evaluation
from tumorlens.evaluation.stored_evaluation import StoredEvaluation, read_evaluation
from tumorlens.stats import Estimate
from tumorlens.training import Recipe, Run, load_recipe, train
from tumorlens.training.checks import check_fit
from tumorlens.training.run_record import RunRecord
from tumorlens.training.training_start import STARTED, check_resumable

LOGGER = logging.getLogger(__name__)

ABLATION = "ablation.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Variant:
    """One variant of a recipe.

    Attributes:
        name: its overrides, as ``"model=efficientnet_b2,dropout=0.5"``; also the name of the run's folder.
        overrides: as given, for example ``("model=efficientnet_b2", "dropout=0.5")``.
        recipe: the recipe with these overrides.
    """

    name: str
    overrides: tuple[str, ...]
    recipe: Recipe


@dataclass(frozen=True)
class VariantResult:
    """The result of one variant.

    Attributes:
        variant: the trained variant.
        run: the trained run.
        accuracy: on the test subset.
        comparison: paired comparison with the run of the first variant; None for the first variant.
    """

    variant: Variant
    run: Run
    accuracy: Estimate
    comparison: Comparison | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        comparison = self.comparison
        return {
            "name": self.variant.name,
            "overrides": list(self.variant.overrides),
            "model": self.run.spec.model,
            "accuracy": self.accuracy.to_dict(),
            "difference": comparison.accuracy.to_dict() if comparison else None,
            "p_value": comparison.p_value if comparison else None,
        }


class AblationFacts(BaseModel):
    """What all variants have in common.

    Attributes:
        data: name of the table.
        data_fingerprint: of its images and labels.
        recipe: name of the recipe.
        seed: of every training.
        split: how the split was made; None where that is not known.
        split_hash: of the split.
    """

    model_config = ConfigDict(frozen=True)

    data: str
    data_fingerprint: str
    recipe: str
    seed: int
    split: SplitPlan | None
    split_hash: str

    @classmethod
    def of(cls, record: RunRecord) -> AblationFacts:
        """Those of the first variant."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


@dataclass(frozen=True)
class Ablation:
    """The results of all variants, in the given order.

    Attributes:
        results: of the trained variants; the first one is the reference of every comparison.
        failed: name of each variant that could not be trained, with the reason.
        caveats: limitations of the comparisons.
        facts: data, recipe, seed and split.
    """

    results: tuple[VariantResult, ...]
    failed: dict[str, str]
    caveats: tuple[str, ...]
    facts: AblationFacts

    def __repr__(self) -> str:
        names = ", ".join(result.variant.name for result in self.results)
        return f"Ablation({names}; {len(self.failed)} failed)"

    def to_dict(self) -> dict[str, Any]:
        """The content of ablation.json."""
        return {"schema_version": SCHEMA_VERSION, **self.facts.model_dump(mode="json")} | {
            "variants": [result.to_dict() for result in self.results],
            "failed": self.failed,
            "caveats": list(self.caveats),
        }


def parse_variants(source: str | Path, variants: Sequence[str], overrides: Sequence[str] = ()) -> tuple[Variant, ...]:
    """Parse the variants of a recipe.

    Args:
        source: a shipped recipe or a YAML file.
        variants: the overrides of each, separated by spaces, as ``"model=efficientnet_b2 dropout=0.5"``.
        overrides: of all variants; those of a variant come after them.

    Raises:
        RecipeError: fewer than two variants, a variant given twice, one without overrides, or an invalid override.
    """
    parsed = [Variant(_name(own), own, load_recipe(source, [*overrides, *own])) for own in map(_overrides, variants)]
    if len(parsed) < 2:
        raise RecipeError(
            found=f"{len(parsed)} variant given",
            expected="at least two, of which the first is the reference of the comparison",
        )
    names = [variant.name for variant in parsed]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise RecipeError(found=f"variant {repeated}: given twice", expected="each variant once")
    return tuple(parsed)


def run_ablation(
    table: Table,
    variants: Sequence[Variant],
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = False,
    allow_leak: bool = False,
    progress: ProgressOption = None,
) -> Ablation:
    """Train every variant on the same split with the same seed, evaluate it on test, and compare it with the first.

    Args:
        table: with a split.
        variants: from `parse_variants`; the first one is the reference of every comparison.
        out: folder for one run per variant and for ablation.json.
        seed: of every training.
        resume: continue an interrupted ablation; finished runs stay as they are.
        allow_leak: as in `tumorlens.training.train`.
        progress: a callable, True for bars, None for silence; its stages occur once for each variant.

    Raises:
        ResultsFolderError: `out` holds other files, or another process is writing to it.
        RunError: there is nothing to resume.
        RecipeError: a variant does not fit the data or its network; raised before any training.
        TumorlensError: the first variant cannot be trained. The error of a later variant goes into `failed`, and the
            next variant starts.
    """
    _check(table, variants, Path(out), resume)
    record = Record("train", seed=seed, resumed=resume)
    results: list[VariantResult] = []
    failed: dict[str, str] = {}
    with progress_of(progress) as shown, claim_folder(out, started=resume) as folder:
        for number, variant in enumerate(variants, start=1):
            LOGGER.info("variant %d/%d: %s", number, len(variants), " ".join(variant.overrides))
            own = folder / variant.name
            try:
                started = resume and (own / STARTED).is_file()
                run = train(
                    table, variant.recipe, own, seed=seed, resume=started, allow_leak=allow_leak, progress=shown
                )
                evaluation = _evaluation(run, shown)
                comparison = compare(results[0].run, run) if results else None
            except TumorlensError as error:
                if not results:
                    raise
                LOGGER.warning("variant %s failed: %s", variant.name, error)
                failed[variant.name] = str(error)
                continue
            results.append(VariantResult(variant, run, evaluation.accuracy, comparison))
            record.lap(variant.name)
        first = results[0].run.record
        facts = AblationFacts.of(first)
        ablation = Ablation(tuple(results), failed, _caveats(results), facts)
        write_json(ablation.to_dict(), folder / ABLATION)
        record.add(
            **facts.model_dump(mode="json"),
            device=first.device,
            failed=failed,
            outputs=[ABLATION, *(r.variant.name for r in results)],
        )
        record.write(folder, "ablation.run.json")
    return ablation


def _overrides(variant: str) -> tuple[str, ...]:
    overrides = tuple(variant.split())
    if not overrides:
        raise RecipeError(
            found=f"variant '{variant}': no overrides", expected="some, such as 'loss.label_smoothing=0.1'"
        )
    return overrides


def _name(overrides: Sequence[str]) -> str:
    """The last word of each key with its value, as a folder name that is valid on every system."""
    pairs = (override.partition("=") for override in overrides)
    words = ((key.rpartition(".")[2], re.sub(r"[^\w.,=+-]+", "-", value).strip("-")) for key, _, value in pairs)
    return ",".join(f"{key}={value}" for key, value in words)


def _check(table: Table, variants: Sequence[Variant], folder: Path, resume: bool) -> None:
    """Check before hours of training that no run would be overwritten and that every network can be built."""
    if resume and not any((folder / variant.name / STARTED).is_file() for variant in variants):
        raise RunError(
            file=folder,
            found="holds no run of these variants, so there is nothing to resume",
            expected="the folder of an ablation that was started",
            advice="train without --resume",
        )
    for variant in variants:
        if not resume:
            check_resumable(folder / variant.name, resume=False)
        try:
            check_fit(table, variant.recipe).network()
        except TumorlensError as error:
            raise RecipeError(
                file=error.file,
                found=f"variant {variant.name}: {error.found}",
                expected=error.expected,
                advice=error.advice,
            ) from None


def _evaluation(run: Run, progress: Progress) -> StoredEvaluation:
    """The stored evaluation of a run; evaluates the run now where there is none of its weights."""
    try:
        return read_evaluation(run)
    except RunError:
        # Variants are compared by accuracy; box masks and region occlusion do not change it.
        evaluation = evaluate(run, allow_box_masks=True, analyses={"region_occlusion": False}, progress=progress)
        write_evaluation(run, evaluation)
        return read_evaluation(run)


def _caveats(results: Sequence[VariantResult]) -> tuple[str, ...]:
    """The caveats of all comparisons, each once, with those on selection and multiple comparisons first."""
    comparisons = [result.comparison for result in results if result.comparison]
    selection = (
        "All variants are evaluated on the test subset. The accuracy of the best one is too high, because the choice "
        "used the test subset; choose on validation instead: tumorlens evaluate RUN --subset val."
    )
    multiple = (
        f"Each of the {len(comparisons)} differences has its own 95 % interval. The probability that at least one "
        "interval excludes 0 by chance is above 5 %."
    )
    caveats = [caveat for comparison in comparisons for caveat in comparison.caveats]
    return tuple(dict.fromkeys([selection, *([multiple] if len(comparisons) > 1 else []), *caveats]))
