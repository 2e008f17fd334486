"""Images with titles -> one row of images, to be looked at without a page."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from tumorlens.report.images import side_by_side, with_notice

_MIN_HEIGHT = 240  # pixels; smaller images are enlarged, so that their titles fit and can be read
_BAR = 0.08  # height of the title bar, as a fraction of the image height
_TEXT_COLOR, _BAR_COLOR = (235, 235, 235), (24, 27, 30)


def strip(panes: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Images in one row, each with a title above it, resized to the height of the tallest; below, the notice.

    Small images are enlarged by a whole factor, without interpolation. A title that is too long is cut off.

    Args:
        panes: title and image, from left to right.

    Raises:
        ValueError: no image was given.
    """
    return with_notice(side_by_side([_titled(title, image) for title, image in panes]))


def _titled(title: str, image: Image.Image) -> Image.Image:
    factor = max(1, -(-_MIN_HEIGHT // image.height))
    large = image.convert("RGB").resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    bar = round(_BAR * large.height)
    whole = Image.new("RGB", (large.width, large.height + bar), _BAR_COLOR)
    font = ImageFont.load_default(0.7 * bar)
    ImageDraw.Draw(whole).text((bar // 4, bar / 2), title, _TEXT_COLOR, font, anchor="lm")
    whole.paste(large, (0, bar))
    return whole
