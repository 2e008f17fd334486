"""Images with titles -> one row to compare them in."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from tumorlens.report.images import side_by_side

_LEAST = 240  # pixels of height below which images are enlarged, so that titles can be read and find room
_BAR = 0.08  # height of the bar of a title, in heights of the image
_INK, _PAPER = (235, 235, 235), (24, 27, 30)


def strip(panes: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Images in one row, each with a title above it, brought to the height of the tallest.

    Small images are enlarged in whole steps, pixel by pixel. A title that is too long is cut off.

    Args:
        panes: title and image, from left to right.

    Raises:
        ValueError: no image was given.
    """
    return side_by_side([_titled(title, image) for title, image in panes])


def _titled(title: str, image: Image.Image) -> Image.Image:
    times = max(1, -(-_LEAST // image.height))
    large = image.convert("RGB").resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    bar = round(_BAR * large.height)
    whole = Image.new("RGB", (large.width, large.height + bar), _PAPER)
    font = ImageFont.load_default(0.7 * bar)
    ImageDraw.Draw(whole).text((bar // 4, bar / 2), title, _INK, font, anchor="lm")
    whole.paste(large, (0, bar))
    return whole
