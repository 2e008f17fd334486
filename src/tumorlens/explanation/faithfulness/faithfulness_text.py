"""Faithfulness -> the sentences and cells that terminal and page share."""

from __future__ import annotations

import numpy as np

from tumorlens.explanation.faithfulness.faithfulness_result import (
    FAITHFULNESS_METRICS,
    Faithfulness,
    FaithfulnessRow,
)

_DIGITS = 4  # scores that agree to so many decimals are equal


def conclusion(faithfulness: Faithfulness) -> str:
    """Which method to use, and why."""
    explaining = [row for row in faithfulness.methods if row.name != "mask"]
    passing = [row for row in explaining or faithfulness.methods if row.sanity_check and not row.fails]
    if not passing:
        return "No method passes the sanity check: none of these maps depends on what the network has learned."
    best = max(passing, key=lambda row: round(row.metrics["relevance_mass_accuracy"].value, _DIGITS))
    start = f"{best.title} is the only method that passes the sanity check. Its"
    if len(passing) > 1:
        without = " (without the mask, which explains no prediction)" * (len(explaining) < len(faithfulness.methods))
        start = f"Of the methods that pass the sanity check{without}, {best.title} has the highest"
    text = (
        f"{start} relevance mass accuracy{' is' if len(passing) == 1 else ':'} "
        f"{best.metrics['relevance_mass_accuracy']}, "
        f"{against_control(faithfulness, best, 'relevance_mass_accuracy')}. The maximum of its map lies inside the "
        f"tumor in {best.metrics['pointing_game'].percent()} of images, "
        f"{against_control(faithfulness, best, 'pointing_game')}."
    )
    equal = [row.title for row in passing if row is not best and _equal(row, best)]
    if equal:
        verb = "has" if len(equal) == 1 else "have"
        text += f" {' and '.join(equal)} {verb} the same scores: the maps of this network are equal."
    return text


def against_control(faithfulness: Faithfulness, row: FaithfulnessRow, key: str) -> str:
    """A method compared with the best control map: ``"+0.044 (+0.007 to +0.087), better than brightness"``."""
    compared = row.control_differences[key]
    title = next(other.title for other in faithfulness.rows if other.name == compared.control)
    difference = FAITHFULNESS_METRICS[key].difference(compared.difference)
    return f"{difference}, {'better' if compared.better else 'no better'} than {title}"


def blurred_text(faithfulness: Faithfulness) -> str:
    """The probability in the original and in the blurred image, between which insertion and deletion move."""
    return (
        f"On average the predicted class has a probability of {faithfulness.probabilities.mean():.2f} in the original "
        f"image and of {faithfulness.blurred_probabilities.mean():.2f} in the blurred one. Where the two are close, "
        "insertion and deletion tell little."
    )


def _equal(one: FaithfulnessRow, other: FaithfulnessRow) -> bool:
    """Whether two methods give the same maps in this network, apart from rounding."""
    return all(
        np.allclose(one.scores.values[key], other.scores.values[key], atol=10**-_DIGITS) for key in FAITHFULNESS_METRICS
    )
