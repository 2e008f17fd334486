"""Trust -> the sentences and cells that terminal and page share."""

from __future__ import annotations

import numpy as np

from tumorlens.explanation.faithfulness.faithfulness_result import FIGURES, Advantage, Faithfulness, Row

_DIGITS = 4  # beyond these two figures are the same


def conclusion(found: Faithfulness) -> str:
    """What follows for somebody who wants to know which map to look at."""
    explaining = [row for row in found.methods if row.name != "mask"]
    passing = [row for row in explaining or found.methods if row.sanity and not row.sanity.fails]
    if not passing:
        return "No method passes the sanity check: none of these maps shows what the network has learned."
    best = max(passing, key=lambda row: round(row.figures["energy"].value, _DIGITS))
    who = f"{best.title} alone passes the sanity check. It has"
    if len(passing) > 1:
        aside = " (the mask aside, an answer that explains none)" if len(explaining) < len(found.methods) else ""
        who = f"Of the methods that pass the sanity check{aside} {best.title} has most energy inside the true outline:"
    said = (
        f"{who} {best.figures['energy']}{' of its energy inside the true outline' * (len(passing) == 1)}, "
        f"{advantage(found, best, 'energy')}. Its hottest pixel is tumor in {best.figures['pointing'].percent()} of "
        f"images, {advantage(found, best, 'pointing')}."
    )
    duplicates = [row.title for row in passing if row is not best and _same(row, best)]
    if duplicates:
        said += f" {' and '.join(duplicates)} gives the same figures: in this network they are one map."
    return said


def advantage(found: Faithfulness, row: Row, key: str) -> str:
    """How a method compares with the best control, as ``"+0.044 (+0.007 to +0.087), better than brightness"``."""
    over = row.over_control[key]
    title = next(other.title for other in found.rows if other.name == over.control)
    return f"{difference(over)}, {'better' if over.better else 'no better'} than {title}"


def difference(over: Advantage) -> str:
    """A difference with its sign, as ``"+0.044 (+0.007 to +0.087)"``."""
    d = over.difference
    if d.low is None or d.high is None:
        return f"{d.value:+.3f} (no interval)"
    return f"{d.value:+.3f} ({d.low:+.3f} to {d.high:+.3f})"


def hidden_words(found: Faithfulness) -> str:
    """What the network says of an image of which nothing is left: where both curves end."""
    return (
        f"On average the class that was named has a probability of {found.probabilities.mean():.2f} in the whole "
        f"image and of {found.hidden.mean():.2f} in the blurred one. Where the two are close, neither figure says "
        "much."
    )


def _same(one: Row, other: Row) -> bool:
    """Whether two methods are one in this network, but for rounding."""
    return all(np.allclose(one.scores.values[key], other.scores.values[key], atol=10**-_DIGITS) for key in FIGURES)
