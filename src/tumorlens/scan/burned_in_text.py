"""gray values -> lines of text that are burned into the pixels, beside the head or over it.

Letters are thin, bright and steep: what a small opening removes. Their connected components have one height, stand on
one line with small gaps, and have nearly one gray value; parts of a head rarely have all of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tumorlens._arrays import Flags
from tumorlens.scan.foreground import head_mask
from tumorlens.scan.types import GrayImage

Components = npt.NDArray[np.int32]

MIN_LETTERS, MIN_LETTERS_OVER = 4, 5
"""Fewest letters of a line beside the head, and over it unless they are white: R and L alone are marks of the side."""

_STROKES = (5, 9)  # pixels; strokes up to that thick are found
_CONTRAST = 0.3  # of the brightest pixel: the least height of a stroke above what surrounds it
_HEIGHTS = (5, 64)  # pixels, of a letter
_WIDEST = 1.6  # times the height; letters that touch are wider
_SAME_HEIGHT = 0.62  # of the next letter: small letters beside capitals
_BASELINE = 0.18  # of the height: how far the feet of two letters differ
_GAP = 1.1  # of the height: the largest space between two letters or words
_FILL = (0.15, 0.92)  # of a letter's box that is ink
_WHITE = 0.97  # of the brightest pixel: letters that are white
_UNIFORM = 0.08  # of the brightest pixel: the standard deviation of the gray values of a line's letters


@dataclass(frozen=True)
class TextLine:
    """Letters on one line.

    Attributes:
        box: top, left, bottom and right, pixels; the last two are the first row and column behind it.
        letters: number of connected parts.
        place: whether most of it lies beside the head or over it.
    """

    box: tuple[int, int, int, int]
    letters: int
    place: Literal["beside", "over"]


@dataclass(frozen=True)
class _Letter:
    """The box of a connected component, and its number."""

    top: int
    left: int
    bottom: int
    right: int
    number: int

    @property
    def height(self) -> int:
        return self.bottom - self.top


def burned_in_text(gray: GrayImage) -> tuple[TextLine, ...]:
    """Find lines of text.

    Args:
        gray: (H, W) uint8.

    Returns:
        Lines of at least `MIN_LETTERS` letters, or `MIN_LETTERS_OVER`; what they say is not read. Of 400 images of
        Figshare, which have none, no line is found in any.

    Example:
        >>> import numpy as np
        >>> from PIL import Image, ImageDraw
        >>> image = Image.new("L", (256, 256))
        >>> ImageDraw.Draw(image).text((20, 20), "DOE JANE 1944", fill=255, font_size=14)
        >>> [line.place for line in burned_in_text(np.asarray(image))]
        ['beside']
    """
    from scipy import ndimage

    brightest = float(gray.max())
    if brightest < 16 or min(gray.shape) < 32:
        return ()
    found: list[TextLine] = []
    head: Flags | None = None
    for stroke in _STROKES:
        ink = gray - _opened(gray, stroke) > _CONTRAST * brightest
        components, count = ndimage.label(ink, np.ones((3, 3), dtype=bool))
        if not count >= MIN_LETTERS:
            continue
        letters = _letters(components, ndimage.find_objects(components))
        for line in _lines(letters):
            levels = [_ink_level(gray, components, letter) / brightest for letter in line]
            if np.std(levels) > _UNIFORM:
                continue
            head = head_mask(gray) if head is None else head
            text = _text_line(line, head)
            white = min(levels) >= _WHITE  # nothing of a head is as bright four times
            if text.place == "beside" or text.letters >= MIN_LETTERS_OVER or white:
                found.append(text)
    return _distinct(found)


def _opened(gray: GrayImage, size: int) -> GrayImage:
    """The morphological opening by a square: what is thinner is gone. scipy's takes ten times as long."""
    eroded = _slide(np.pad(gray, size // 2, mode="edge"), size, np.minimum)
    opened: GrayImage = _slide(np.pad(eroded, size // 2, mode="edge"), size, np.maximum)
    return opened


def _slide(values: GrayImage, size: int, combine: np.ufunc) -> GrayImage:
    """The minimum or maximum of each square of this side that fits into an image."""
    for axis in (0, 1):
        covered = 1
        while covered < size:
            step = min(covered, size - covered)
            end = values.shape[axis] - step
            one, other = slice(0, end), slice(step, None)
            values = combine(values[:, one], values[:, other]) if axis else combine(values[one], values[other])
            covered += step
    return values


def _letters(components: Components, boxes: Sequence[tuple[slice, slice] | None]) -> list[_Letter]:
    """Components of the size and shape of letters."""
    letters = []
    for number, box in enumerate(boxes, 1):
        if box is None:
            continue
        rows, columns = box
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if not (_HEIGHTS[0] <= height <= _HEIGHTS[1] and width <= _WIDEST * height):
            continue
        fill = float((components[box] == number).mean())
        if _FILL[0] <= fill <= _FILL[1] or (width <= 0.4 * height and fill > _FILL[0]):  # I, l and 1 are full
            letters.append(_Letter(rows.start, columns.start, rows.stop, columns.stop, number))
    return letters


def _lines(letters: Sequence[_Letter]) -> list[list[_Letter]]:
    """Rows of letters: each has the next one beside it, of nearly its height and on its baseline."""
    remaining = sorted(letters, key=lambda letter: letter.left)
    lines = []
    while remaining:
        line = [remaining.pop(0)]
        for letter in list(remaining):
            last = line[-1]
            height = max(last.height, letter.height)
            gap = letter.left - last.right
            if gap > _GAP * max(one.height for one in line):
                if letter.left - last.right > 2 * _HEIGHTS[1]:
                    break
                continue
            same = min(last.height, letter.height) >= _SAME_HEIGHT * height
            if gap >= 0 and same and abs(letter.bottom - last.bottom) <= max(1, _BASELINE * height):
                line.append(letter)
                remaining.remove(letter)
        if len(line) >= MIN_LETTERS:
            lines.append(line)
    return lines


def _ink_level(gray: GrayImage, components: Components, letter: _Letter) -> float:
    """The gray value of a letter where it is not blurred."""
    box = slice(letter.top, letter.bottom), slice(letter.left, letter.right)
    return float(np.percentile(gray[box][components[box] == letter.number], 80))


def _window(line: Sequence[_Letter]) -> tuple[slice, slice]:
    top, bottom = min(letter.top for letter in line), max(letter.bottom for letter in line)
    return slice(top, bottom), slice(line[0].left, max(letter.right for letter in line))


def _text_line(line: Sequence[_Letter], head: Flags) -> TextLine:
    rows, columns = _window(line)
    place: Literal["beside", "over"] = "over" if head[rows, columns].mean() > 0.5 else "beside"
    return TextLine((rows.start, columns.start, rows.stop, columns.stop), len(line), place)


def _distinct(lines: Sequence[TextLine]) -> tuple[TextLine, ...]:
    """Lines that do not overlap one with more letters, from top to bottom."""
    kept: list[TextLine] = []
    for line in sorted(lines, key=lambda line: -line.letters):
        if not any(_overlap(line.box, other.box) for other in kept):
            kept.append(line)
    return tuple(sorted(kept, key=lambda line: line.box))


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
