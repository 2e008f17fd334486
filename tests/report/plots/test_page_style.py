"""Text and lines can be told from the background."""

from __future__ import annotations

import numpy as np

from tests.report.test_html_page import contrast
from tumorlens.report.plots.page_style import INK, MUTED, PAPER, SERIES


def test_text_and_series_have_enough_contrast_on_the_light_background() -> None:
    assert min(contrast(color, PAPER) for color in (INK, MUTED, "#696969")) >= 4.5  # the last is "dimgray"
    assert min(contrast(color, PAPER) for color, _ in SERIES) >= 3
    for color, _ in SERIES[:2]:  # the fullest cell of a confusion matrix
        mixed = (np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) + 255) / 2
        assert contrast(INK, mixed) >= 4.5
