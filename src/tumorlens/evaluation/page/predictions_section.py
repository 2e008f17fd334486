"""Facts of predictions of another tool -> where they are from, and what could not be measured."""

from __future__ import annotations

from collections.abc import Mapping

from tumorlens.evaluation.analyses import registry
from tumorlens.evaluation.evaluation_facts import EvaluationFacts, PredictionsFacts
from tumorlens.metrics.names import METRICS
from tumorlens.report import Note, Section, key_values


def source_section(facts: EvaluationFacts) -> Section:
    """The files, what was left out, and the training data."""
    assert isinstance(facts, PredictionsFacts)
    source = facts.predictions
    given = source.given + " and masks" * (source.masks and source.given != "masks")
    rows: list[tuple[str, object]] = [("Given", given)]
    rows += [(f"SHA-256 of {name}", digest) for name, digest in source.files.items()]
    rows += [
        ("Trained on", source.trained_on or "not named"),
        ("Images measured", facts.images),
        ("Images without a prediction", source.images_without_prediction),
        ("Predictions without an image", source.predictions_without_image),
    ]
    if source.ignored_columns:
        rows.append(("Columns not read", ", ".join(source.ignored_columns)))
    if source.milliseconds is not None:
        rows.append(("Time per image", f"{source.milliseconds:.1f} ms (median)"))
    rows.append(("Data fingerprint", facts.data_fingerprint))
    blocks = key_values(rows) + tuple(Note("info", text) for text in facts.notes)
    return Section("Predictions and data", blocks, "Where the predictions come from, and which images they belong to.")


def not_measured_texts(not_measured: Mapping[str, str]) -> list[str]:
    """One sentence for each reason, with the metrics and analyses that it holds for."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in not_measured.items():
        by_reason.setdefault(reason, []).append(_title(name))
    return [f"Not measured: {', '.join(dict.fromkeys(names))}. {reason}" for reason, names in by_reason.items()]


def _title(name: str) -> str:
    if name in METRICS:
        return METRICS[name].title
    return registry()[name].title if name in registry() else f"tumor {name}" if name == "detection" else name
