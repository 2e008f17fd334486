"""Image + spacing and orientation of its scan -> the image with a scale bar, its plane, and right and left."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

_LENGTHS = (100, 50, 20, 10, 5, 2, 1)  # millimeters of a scale bar, the longest that fits is drawn
_LONGEST = 0.35  # of the width of the image
_SMALLEST = 96  # pixels of the shorter side, below which letters would cover the scan
_OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "S": "I", "I": "S"}
_PLANES = {frozenset("AL"): "axial", frozenset("LS"): "coronal", frozenset("AS"): "sagittal"}
_INK, _EDGE = (255, 255, 255), (0, 0, 0)


def with_scan_marks(
    image: Image.Image, spacing: tuple[float, ...] | None = None, orientation: str | None = None
) -> Image.Image:
    """The image with what is known of its geometry; what is not known is left out.

    Args:
        image: a whole slice, not resized.
        spacing: millimeters between rows and between columns, the last two of `Scan.spacing`; None draws no bar.
        orientation: of the scan, as in `Scan`; None draws neither plane nor sides. A side is drawn where columns run
            between right and left.

    Returns:
        An image of the same size; the image itself where nothing is known, or it is too small for letters.
    """
    if not (spacing or orientation) or min(image.size) < _SMALLEST:
        return image
    marked = image.convert("RGB")
    size = max(11, marked.width // 24)
    pen, font = ImageDraw.Draw(marked), ImageFont.load_default(size)

    def write(text: str, at: tuple[float, float], anchor: str) -> None:
        pen.text(at, text, _INK, font, anchor=anchor, stroke_width=1, stroke_fill=_EDGE)

    gap = size // 2
    if spacing and (length := bar_length(marked.width, spacing[-1])):
        pixels, bottom = round(length / spacing[-1]), marked.height - gap
        pen.rectangle((gap - 1, bottom - 4, gap + pixels + 1, bottom), _INK, _EDGE)
        write(f"{length} mm", (gap, bottom - 6), "ld")
    if plane := plane_of(orientation):
        write(plane, (gap, gap), "la")
    if orientation and orientation[-1] in "LR":
        write(_OPPOSITE[orientation[-1]], (gap, marked.height / 2), "lm")
        write(orientation[-1], (marked.width - gap, marked.height / 2), "rm")
    return marked


def bar_length(width: int, mm: float) -> int | None:
    """Millimeters of the scale bar: the longest that takes at most 35 % of the width; None where none does.

    Args:
        width: of the image in pixels.
        mm: between columns.
    """
    return next((length for length in _LENGTHS if 2 <= length / mm <= _LONGEST * width), None)


def plane_of(orientation: str | None) -> str | None:
    """``"axial"``, ``"coronal"`` or ``"sagittal"``; None where it is unknown.

    Args:
        orientation: of a scan, as in `Scan`, such as ``"PL"``.
    """
    axes = {min(letter, _OPPOSITE[letter]) for letter in (orientation or "")[-2:] if letter in _OPPOSITE}
    return _PLANES.get(frozenset("S" if axis == "I" else axis for axis in axes))
