"""Text in the pixels is found beside and over the head, and heads without text have none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from tumorlens.datasets.phantom import PHANTOM_CLASSES, render_patient
from tumorlens.scan import GrayImage
from tumorlens.scan.burned_in_text import burned_in_text

TEXTS = ("DOE JANE", "MR 12.04.1944", "ID 4711-83", "Hospital North", "T1 AX GD 3mm", "Smith, John", "Se: 4 Im: 12/24")
MONO = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans Mono", weight="bold"))
SANS = font_manager.findfont("DejaVu Sans")


def heads(count: int, first: int = 0) -> list[GrayImage]:
    numbers = range(first, first + count)
    sizes = (192, 256, 320)
    return [
        render_patient(PHANTOM_CLASSES[i % 4], seed=1000 + i, slices=1, size=sizes[i % 3])[0].image for i in numbers
    ]


def planted(gray: GrayImage, place: str, number: int) -> GrayImage:
    """Text of 9 to 22 pixels in one of three fonts: in an upper corner, or over the middle of the head."""
    image = Image.fromarray(gray)
    draw = ImageDraw.Draw(image)
    rng = np.random.default_rng(number)
    text, size = TEXTS[number % len(TEXTS)], int(rng.integers(9, 23))
    fonts = (ImageFont.load_default(size), ImageFont.truetype(SANS, size), ImageFont.truetype(MONO, size))
    font = fonts[number // 3 % 3]
    width = draw.textlength(text, font=font)
    if place == "beside":
        at = (2.0 if number % 2 else max(1, gray.shape[1] - width - 3), 2.0)
        fill = int(rng.choice([255, 230, 200]))
    else:
        at = ((gray.shape[1] - width) / 2, gray.shape[0] / 2 + float(rng.integers(-30, 30)))
        fill = 255
    draw.text(at, text, fill=fill, font=font)
    return np.asarray(image)


def found(images: Sequence[GrayImage], place: str) -> int:
    """In how many images text is found, after it was planted there."""
    return sum(bool(burned_in_text(planted(image, place, i))) for i, image in enumerate(images))


def test_planted_text_is_found_and_plain_heads_have_none() -> None:
    images = heads(10)
    assert found(images, "beside") >= 9
    assert found(images, "over") >= 9
    assert not any(map(burned_in_text, images))


@pytest.mark.slow  # renders 100 phantoms: half a minute
@pytest.mark.parametrize("place", ["beside", "over"])
def test_nine_of_ten_are_found_and_at_most_one_of_a_hundred_plain_heads_is_flagged(place: str) -> None:
    images = heads(100, first=100)
    assert found(images, place) >= 90
    assert sum(map(bool, map(burned_in_text, images))) <= 1


def test_the_place_and_the_box_of_a_line_are_told() -> None:
    image = Image.new("L", (256, 256))
    draw = ImageDraw.Draw(image)
    draw.ellipse((58, 58, 198, 228), fill=110)
    draw.text((10, 12), "DOE JANE", fill=255, font=ImageFont.truetype(SANS, 16))
    draw.text((80, 130), "12.04.1944", fill=255, font=ImageFont.truetype(SANS, 16))
    beside, over = burned_in_text(np.asarray(image))
    assert (beside.place, over.place) == ("beside", "over")
    assert beside.box[0] == pytest.approx(15, abs=4)
    assert over.box[1] == pytest.approx(80, abs=6)


@pytest.mark.parametrize("text", ["R", "L P"])
def test_marks_of_the_side_are_no_text(text: str) -> None:
    image = Image.fromarray(heads(1)[0])
    ImageDraw.Draw(image).text((3, 90), text, fill=255, font=ImageFont.truetype(SANS, 16))
    assert burned_in_text(np.asarray(image)) == ()


def test_blank_and_tiny_images_have_no_text() -> None:
    assert burned_in_text(np.zeros((64, 64), np.uint8)) == ()
    assert burned_in_text(np.full((8, 8), 255, np.uint8)) == ()
