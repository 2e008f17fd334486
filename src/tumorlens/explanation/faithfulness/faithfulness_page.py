"""Trust -> one self-contained HTML page: all methods side by side, and what each figure means."""

from __future__ import annotations

from tumorlens.explanation.faithfulness.example_cases import case_section
from tumorlens.explanation.faithfulness.faithfulness_result import FIGURES, Faithfulness, Row
from tumorlens.explanation.faithfulness.faithfulness_text import conclusion, difference, hidden_words
from tumorlens.explanation.faithfulness.sanity_checks import LIMIT
from tumorlens.report import Note, Paragraph, Section, details, figure, key_values, paragraph, render_page, table
from tumorlens.report.plots import CascadeChart, CascadeLine, IntervalChart, IntervalRow
from tumorlens.training import Run

_PARTS = {"test": "test part", "all": "data from elsewhere"}


def trust_page(run: Run, found: Faithfulness) -> str:
    """The whole page."""
    facts = found.facts
    return render_page(
        f"How far to trust the maps of {facts['run']}",
        f"{facts['model']} on {facts['data']}, {_PARTS[facts['subset']]}: {facts['evidence']}",
        [
            _headline(found),
            _controls(found),
            _classes(found),
            _sanity(found),
            case_section(run, found),
            _reading(found),
        ],
        footer=(
            f"95 % intervals: bootstrap of {facts['evidence']}; {facts['n_resamples']} resamples, seed {facts['seed']}.",
            f"Split {facts['split_hash'][:16]}, data {facts['data_fingerprint']}, weights {facts['weights'][:16]}.",
        ),
    )


def _headline(found: Faithfulness) -> Section:
    body = paragraph(conclusion(found))
    failed = {f"{row.title} {row.sanity.verdict}" for row in found.methods if row.sanity and row.sanity.fails}
    body += tuple(Note("danger" if text in failed else "warning", text) for text in found.caveats)
    headers = ["", *(f"{f.title}{' (low is good)' * f.low_is_good}" for f in FIGURES.values())]
    rows = [[row.stamped, *(_cell(row, key) for key in FIGURES)] for row in found.rows]
    body += table(headers, rows, "l" * len(headers))
    body += figure(_forest(found), "Energy inside the mask, methods and controls.")
    lead = (
        f"{found.facts['images']:,} of {found.facts['with_tumor']:,} images whose true mask shows a tumor; "
        f"{found.facts['misclassified']:,} of them are named wrong, and maps explain the class that was named. Methods "
        "above, controls that know nothing of the network below. A method without a stamp passed the sanity check."
    )
    return Section("Side by side", body, lead)


def _forest(found: Faithfulness) -> IntervalChart:
    failed = {row.name for row in found.methods if row.sanity and row.sanity.fails}
    return IntervalChart(
        [
            IntervalRow("methods"),
            *(
                IntervalRow(f"{row.title}{' (fails)' * (row.name in failed)}", row.figures["energy"])
                for row in found.methods
            ),
            IntervalRow("controls"),
            *(IntervalRow(row.title, row.figures["energy"]) for row in found.rows if row.control),
        ],
        percent=False,
    )


def _cell(row: Row, key: str) -> str:
    """A figure with its interval, and the threshold that was chosen."""
    words = _whole(str(row.figures[key]))
    return f"{words} at\N{NO-BREAK SPACE}{row.scores.threshold:.2f}" if key == "best_iou" else words


def _whole(words: str) -> str:
    """A narrow cell breaks between the value and its interval, not inside of it."""
    value, _, interval = words.partition(" ")
    return f"{value} {interval.replace(' ', chr(0xA0))}"


def _over(row: Row, key: str) -> str:
    over = row.over_control[key]
    return f"{'✓ ' if over.better else ''}{_whole(difference(over))} {over.control}"


def _controls(found: Faithfulness) -> Section:
    keys = [key for key in FIGURES if key != "best_iou"]
    headers = ["", *(FIGURES[key].title for key in keys)]
    rows = [[row.stamped, *(_over(row, key) for key in keys)] for row in found.methods]
    body = table(headers, rows, "l" * len(headers))
    body += paragraph(
        "Each difference is paired, image by image, with the control that did best in that figure; ✓ where the "
        "whole interval is on the good side. A tumor near the middle, or a bright one, is found by a map that has "
        "never seen a network: a method that is no better than that shows nothing of what the network looks at. The "
        "control is chosen on these images, which is hard on the methods and not flattering."
    )
    return Section("Better than knowing nothing?", body, "Each method less the best control.")


def _classes(found: Faithfulness) -> Section:
    keys = ("pointing", "energy")
    labels = list(found.rows[0].per_class)
    headers = ["", *(f"{FIGURES[key].title}, {label}" for key in keys for label in labels)]
    rows = [
        [row.stamped, *(_whole(str(row.per_class[label][key])) for key in keys for label in labels)]
        for row in found.rows
    ]
    counts = ", ".join(f"{found.rows[0].per_class[label]['energy'].n} {label}" for label in labels)
    return Section("Class by class", table(headers, rows, "l" * len(headers)), f"Images: {counts}.")


def _sanity(found: Faithfulness) -> Section:
    longest = max((row.sanity.stages for row in found.methods if row.sanity), key=len)
    names = [stage.name for stage in longest]
    number = {name: i for i, name in enumerate(names, start=1)}
    lines = []
    for row in found.methods:
        if row.sanity and row.sanity.stages:
            walked = [(number[stage.name], stage.rank.value) for stage in row.sanity.stages]
            lines.append(CascadeLine(row.stamped, [(0, 1.0), *walked]))
    chart = CascadeChart(lines, names, LIMIT, "rank correlation")
    body = figure(chart, "Spearman's correlation of each map with that of the trained network. It should fall.")
    rows = [
        [row.title, str(s.rank), str(s.ssim), str(s.strangers), s.images, "FAILS" if s.fails else "passes"]
        for row in found.methods
        if (s := row.sanity)
    ]
    body += table(["", "all weights random", "SSIM", "other patients' maps", "images", "verdict"], rows, "llllrl")
    blind = {row.title: [s.name for s in row.sanity.stages if not s.reaches] for row in found.methods if row.sanity}
    body += tuple(
        Paragraph(f"{title} does not depend on {', '.join(stages)}: there its map stays the same by construction.")
        for title, stages in blind.items()
        if stages
    )
    body += details("The stages", table(["stage", "part of the network"], enumerate(names, start=1), "ll"))
    lead = (
        "Weights are made random from the last layer to the first (Adebayo et al. 2018). A map that hardly changes "
        "does not show what the network has learned, however plausible it looks."
    )
    return Section("Does the map notice when the network forgets?", body, lead)


def _reading(found: Faithfulness) -> Section:
    words = [(f.title, f.reading) for f in FIGURES.values()]
    words.append(
        (
            "sanity check",
            "How much maps of a network with all weights random resemble those of the trained one: rank correlation "
            f"inside the box of the head, mean over images and several random networks. It fails where the interval "
            f"reaches {LIMIT}, half way to not changing at all. What other patients' maps have in common is the part "
            "that comes from the shape of heads. SSIM is a second opinion and decides nothing.",
        )
    )
    words.append(("insertion and deletion", hidden_words(found)))
    return Section("How to read the figures", key_values(words))
