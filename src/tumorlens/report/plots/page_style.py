"""The style of the charts of a page, as settings of matplotlib."""

from __future__ import annotations

# After Okabe and Ito, darkened to a contrast of at least 3 against white. The dashes tell them apart without color.
SERIES = (
    ("#0b5d9c", "solid"),
    ("#b8480b", (0, (3.5, 1.5))),
    ("#00785a", (0, (1, 1.25))),
    ("#a0407b", (0, (4.5, 1.5, 1, 1.5))),
    ("#8a6a00", (0, (6.5, 2))),
    ("#2b8ec2", (0, (2.5, 1, 0.75, 1, 0.75, 1))),
    ("#55616c", (0, (2, 2))),
    ("#6b3fa0", (0, (0.75, 2))),
)
INK, MUTED, RULE, PAPER = "#1a2127", "#55616c", "#d3dae0", "#ffffff"
FONT_SIZE = 11
"""In CSS pixels of a chart in its own size."""


def page_style() -> dict[str, object]:
    """Settings for `matplotlib.rc_context`; import matplotlib before."""
    from cycler import cycler

    return {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so that the layout is the same everywhere
        "font.size": FONT_SIZE,
        **dict.fromkeys(("axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"), FONT_SIZE),
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.labelweight": "bold",
        "xtick.labelcolor": MUTED,
        "ytick.labelcolor": MUTED,
        "axes.edgecolor": MUTED,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": RULE,
        "grid.linewidth": 0.75,
        "figure.facecolor": PAPER,
        "savefig.facecolor": PAPER,
        "axes.facecolor": PAPER,
        "axes.prop_cycle": cycler(color=[color for color, _ in SERIES], linestyle=[line for _, line in SERIES]),
        **dict.fromkeys(("figure.constrained_layout.h_pad", "figure.constrained_layout.w_pad"), 0.08),  # inches
        "lines.linewidth": 2,
        "legend.frameon": False,
        "legend.handlelength": 2.4,
        "svg.fonttype": "none",
        "svg.hashsalt": "tumorlens",
        "text.parse_math": False,
    }
