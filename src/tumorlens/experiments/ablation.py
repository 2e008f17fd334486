"""The arrow table + several arms of one recipe -> runs, each measured, and how much better each is than the first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from tumorlens._record import Record, write_json
from tumorlens.comparison.compare import compare
from tumorlens.comparison.paired_classification import Comparison
from tumorlens.datasets import Table
from tumorlens.errors import RecipeError, RunError, TumorlensError
from tumorlens.evaluation.evaluate import evaluate
from tumorlens.evaluation.evaluation_files import write_evaluation
from tumorlens.evaluation.stored_evaluation import Measured, read_evaluation
from tumorlens.stats import Estimate
from tumorlens.training import Recipe, Run, load_recipe, train
from tumorlens.training.training_start import STARTED, check_run_folder
from tumorlens.training.checks import check_fit

ABLATION = "sweep.json"


@dataclass(frozen=True)
class Variant:
    """One way to train.

    Attributes:
        name: of its run's folder: the values that it changes, as ``"model=efficientnet_b2,dropout=0.5"``.
        changes: the same as they were given.
        recipe: the whole of it.
    """

    name: str
    changes: tuple[str, ...]
    recipe: Recipe


@dataclass(frozen=True)
class VariantResult:
    """What came of an arm.

    Attributes:
        variant: which.
        run: the trained run.
        accuracy: on the test part.
        comparison: with the first arm's run, image by image; None for the first itself.
    """

    variant: Variant
    run: Run
    accuracy: Estimate
    comparison: Comparison | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        compared = self.comparison
        return {
            "name": self.variant.name,
            "changes": list(self.variant.changes),
            "model": self.run.spec.model,
            "accuracy": self.accuracy.to_dict(),
            "difference": compared.accuracy.to_dict() if compared else None,
            "p": compared.p if compared else None,
        }


@dataclass(frozen=True)
class Ablation:
    """All arms, in the order they were given.

    Attributes:
        results: of those that were trained; the first is what the others are compared with.
        failed: arms that were not, each with the reason.
        caveats: what must be known before a difference is quoted.
        facts: data, recipe, seed and split, as plain data.
    """

    results: tuple[VariantResult, ...]
    failed: dict[str, str]
    caveats: tuple[str, ...]
    facts: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """What sweep.json holds."""
        return self.facts | {
            "arms": [result.to_dict() for result in self.results],
            "failed": self.failed,
            "caveats": list(self.caveats),
        }


def parse_variants(source: str | Path, variants: Sequence[str], overrides: Sequence[str] = ()) -> tuple[Variant, ...]:
    """The arms of a recipe.

    Args:
        source: a shipped recipe or a YAML file.
        variants: each a list of overrides with spaces between them, as ``"model=efficientnet_b2 dropout=0.5"``.
        overrides: what all arms change; an arm's own come after them.

    Raises:
        RecipeError: fewer than two arms, two of one name, one that changes nothing, or a change that does not fit.
    """
    found = [
        Variant(_name(changes), changes, load_recipe(source, [*overrides, *changes]))
        for changes in map(_split, variants)
    ]
    if len(found) < 2:
        raise RecipeError("1 arm given; expected at least two, of which the first is what the others are held to")
    names = [variant.name for variant in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise RecipeError(f"arm {twice}: given twice; expected each once")
    return tuple(found)


def run_ablation(
    table: Table,
    variants: Sequence[Variant],
    out: str | Path,
    *,
    seed: int = 0,
    resume: bool = False,
    allow_leak: bool = False,
    console: Console | None = None,
) -> Ablation:
    """Train every arm on the same split with the same seed, measure it on the test part, compare it with the first.

    Args:
        table: with a split.
        variants: as `parse_variants` gives them; the first is what the others are compared with.
        out: one folder for each run in it, and sweep.json.
        seed: of every training.
        resume: go on where a sweep stopped; what is finished stays as it is.
        allow_leak: as `tumorlens.training.train`.
        console: where progress is shown; None for silence.

    Raises:
        RunError: a folder holds a run already, or there is nothing to resume.
        RecipeError: an arm does not fit the data or its network; said before any is trained.
        TumorlensError: the first arm cannot be trained. That of another is kept in `failed`, and the next one begins.
    """
    folder, console = Path(out), console or Console(quiet=True)
    _check(table, variants, folder, resume)
    record = Record("train", seed=seed, resumed=resume)
    results: list[VariantResult] = []
    failed: dict[str, str] = {}
    for number, variant in enumerate(variants, start=1):
        console.print(f"arm {number}/{len(variants)}: {' '.join(variant.changes)}", highlight=False, soft_wrap=True)
        own = folder / variant.name
        try:
            started = resume and (own / STARTED).is_file()
            run = train(table, variant.recipe, own, seed=seed, resume=started, allow_leak=allow_leak, console=console)
            measured = _measured(run, console)
            compared = compare(results[0].run, run) if results else None
        except TumorlensError as error:
            if not results:
                raise
            failed[variant.name] = str(error)
            continue
        results.append(VariantResult(variant, run, measured.accuracy, compared))
        record.lap(variant.name)
    first = results[0].run.record
    recorded = first.to_dict()
    facts = {key: recorded[key] for key in ("data", "data_fingerprint", "recipe", "seed", "split", "split_hash")}
    found = Ablation(tuple(results), failed, _caveats(results), facts)
    write_json(found.to_dict(), folder / ABLATION)
    record.add(**facts, device=first.device, failed=failed, outputs=[ABLATION, *(r.variant.name for r in results)])
    record.write(folder, "sweep.run.json")
    return found


def _split(variant: str) -> tuple[str, ...]:
    changes = tuple(variant.split())
    if not changes:
        raise RecipeError(f"arm '{variant}': changes nothing; expected overrides such as 'loss.label_smoothing=0.1'")
    return changes


def _name(changes: Sequence[str]) -> str:
    """The last part of each key with its value, as a folder can be called on every system."""
    pairs = (change.partition("=") for change in changes)
    words = ((key.rpartition(".")[2], re.sub(r"[^\w.,=+-]+", "-", value).strip("-")) for key, _, value in pairs)
    return ",".join(f"{key}={value}" for key, value in words)


def _check(table: Table, variants: Sequence[Variant], folder: Path, resume: bool) -> None:
    """See that nothing will be overwritten, and that every network can be built, before hours are spent."""
    if resume and not any((folder / variant.name / STARTED).is_file() for variant in variants):
        raise RunError(f"{folder}: holds no run of these arms, so there is nothing to resume; train without --resume")
    for variant in variants:
        if not resume:
            check_run_folder(folder / variant.name, resume=False)
        try:
            check_fit(table, variant.recipe).network()
        except TumorlensError as error:
            raise RecipeError(f"arm {variant.name}: {error}") from None


def _measured(run: Run, console: Console) -> Measured:
    """The evaluation of a run, made now where there is none of its weights."""
    try:
        return read_evaluation(run)
    except RunError:
        with console.status("measuring") as status:
            found = evaluate(  # arms are told apart by accuracy, which rectangles and background do not touch
                run,
                rectangles=True,
                background=False,
                progress=lambda done, total: status.update(f"measuring {done}/{total}"),
            )
        write_evaluation(run, found, run.evaluation_folder(), Record("evaluate"))
        return read_evaluation(run)


def _caveats(results: Sequence[VariantResult]) -> tuple[str, ...]:
    """Those of all comparisons, each once, and that there are several of them."""
    compared = [result.comparison for result in results if result.comparison]
    chosen = (
        "All arms are measured on the test part. The best of this table is chosen on it, so its figure is too high; to "
        "choose, look at the validation part: tumorlens evaluate RUN --subset val."
    )
    many = (
        f"Each of the {len(compared)} differences has a 95 % interval of its own. That one of them leaves out 0 where "
        "nothing differs is likelier than 5 %."
    )
    said = [caveat for comparison in compared for caveat in comparison.caveats]
    return tuple(dict.fromkeys([chosen, *([many] if len(compared) > 1 else []), *said]))
