"""Seed -> images that are not brain MRI, by kind: generated here, or read from installed packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Pixels = npt.NDArray[np.uint8]
Random = np.random.Generator

SIDES = (224, 256, 320, 400, 512)
WORDS = ("patient", "report", "of the", "scan", "weight", "height", "invoice", "total", "amount due", "page", "table",
         "result", "normal", "left", "right", "date", "name", "ward", "number")  # fmt: skip
CROPS = 8  # of each photograph: the whole photograph, and crops


def generate_images(seed: int = 0, each: int = 12) -> Iterator[tuple[str, Pixels]]:
    """All kinds of generated images: (kind, gray or color image), `each` of every kind."""
    for number, (kind, generate) in enumerate(GENERATORS.items()):
        random = np.random.default_rng([seed, number])
        for i in range(each):
            yield kind, generate(random, i, int(random.choice(SIDES)))


def photographs() -> Iterator[tuple[str, Pixels]]:
    """Photographs of the installed packages and crops of them; nothing is downloaded."""
    random = np.random.default_rng(0)
    for kind, whole in _package_images():
        yield kind, whole
        height, width = whole.shape[:2]
        for _ in range(CROPS - 1 if min(height, width) >= 200 else 0):
            side = int(random.integers(min(height, width) // 3, min(height, width)))
            top, left = (int(random.integers(0, extent - side + 1)) for extent in (height, width))
            yield kind, np.ascontiguousarray(whole[top : top + side, left : left + side])


def read_folder(folder: Path) -> Iterator[tuple[str, Pixels]]:
    """The images in a folder and its subfolders; the kind is the name of an image's folder."""
    from tumorlens.scan import read_scan

    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"):
            yield path.parent.name, read_scan(path).gray_slice()


def to_gray(image: Pixels) -> Pixels:
    """(H, W) uint8, converted as tumorlens converts a color image."""
    return image if image.ndim == 2 else np.array(Image.fromarray(image).convert("L"))


def _package_images() -> Iterator[tuple[str, Pixels]]:
    places = (("sklearn", "datasets/images"), ("skimage", "data"), ("matplotlib", "mpl-data/sample_data"))
    for package, below in places:
        found = util.find_spec(package)
        folder = Path(found.origin).parent / below if found and found.origin else None
        for path in sorted(folder.iterdir()) if folder and folder.is_dir() else []:
            if path.suffix in (".png", ".jpg"):
                yield "photo", np.array(Image.open(path).convert("RGB"))


def _byte(values: npt.NDArray[np.float64]) -> Pixels:
    """(H, W) or (H, W, 3) values from 0 to 1 as uint8."""
    bytes_: Pixels = np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
    return bytes_


def _axes(side: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Rows and columns from -1 to 1."""
    line = np.linspace(-1, 1, side)
    return line[:, None], line[None, :]


def _smooth(random: Random, side: int, cells: int) -> npt.NDArray[np.float64]:
    """Smooth noise with this many cells per side, 0 to 1."""
    coarse = Image.fromarray(random.random((cells, cells)).astype(np.float32))
    cloud = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float64)
    return (cloud - cloud.min()) / np.ptp(cloud)


def _noise(random: Random, number: int, side: int) -> Pixels:
    kinds: tuple[Callable[[], npt.NDArray[np.float64]], ...] = (
        lambda: random.random((side, side)),
        lambda: 0.5 + 0.15 * random.standard_normal((side, side)),
        lambda: (random.random((side, side)) > 0.95).astype(float),
        lambda: np.abs(0.1 * random.standard_normal((side, side))),
        lambda: _smooth(random, side, 64),
        lambda: sum((_smooth(random, side, 2**k) / 2**k for k in range(2, 7)), np.zeros((side, side))) * 1.6,
    )
    return _byte(kinds[number % len(kinds)]())


def _gradient(random: Random, number: int, side: int) -> Pixels:
    rows, columns = _axes(side)
    angle, offset = random.uniform(0, 2 * np.pi), random.uniform(-0.5, 0.5, 2)
    if number % 3 == 0:
        values = 0.5 + 0.5 * (np.cos(angle) * rows + np.sin(angle) * columns)
    elif number % 3 == 1:
        values = 1 - np.hypot(rows - offset[0], columns - offset[1])
    else:
        values = 0.5 + 0.5 * np.sin(random.uniform(4, 40) * (np.cos(angle) * rows + np.sin(angle) * columns))
    return _byte(values)


def _checks(random: Random, number: int, side: int) -> Pixels:
    cell = int(random.integers(2, side // 3))
    rows, columns = np.indices((side, side)) // cell
    board = (rows + columns) % 2 if number % 2 else rows % 2
    return _byte(random.uniform(0, 0.3) + board * random.uniform(0.3, 0.7))


def _empty(random: Random, number: int, side: int) -> Pixels:
    """Empty and almost empty images, as slices above the head."""
    level = (0, 255, 0, 128)[number % 4]
    image = np.full((side, side), level, dtype=np.float64)
    if number % 4 == 2:
        image += np.abs(random.normal(0, random.uniform(1, 6), image.shape))
    if number >= 4 and number % 2:
        rows, columns = _axes(side)
        spot = np.hypot(rows - random.uniform(-0.6, 0.6), columns - random.uniform(-0.6, 0.6)) < random.uniform(
            0.02, 0.1
        )
        image[spot] = random.uniform(30, 220)
    return _byte(image / 255)


def _font(random: Random, size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _page(random: Random, number: int, side: int) -> Pixels:
    dark = number % 2
    image = Image.new("L", (side, int(side * random.uniform(1, 1.4))), 0 if dark else 255)
    pen, size = ImageDraw.Draw(image), int(random.integers(9, 26))
    font, top = _font(random, size), size
    while top < image.height - size:
        line = " ".join(random.choice(WORDS, int(random.integers(2, 9))))
        pen.text((size, top), line, 255 if dark else int(random.integers(0, 90)), font=font)
        top += int(size * random.uniform(1.3, 2.4))
    return np.array(image)


def _chart(random: Random, number: int, side: int) -> Pixels:
    image = Image.new("RGB", (int(side * 1.3), side), "black" if number % 4 == 3 else "white")
    pen = ImageDraw.Draw(image)
    left, bottom = side // 8, side - side // 8
    ink = "white" if number % 4 == 3 else "black"
    pen.line([(left, side // 10), (left, bottom), (image.width - left, bottom)], ink, 2)
    colors = [tuple(int(c) for c in random.integers(0, 255, 3)) for _ in range(4)]
    steps = np.linspace(left + 5, image.width - left - 5, int(random.integers(5, 14)))
    for series in range(int(random.integers(1, 4))):
        heights = bottom - random.uniform(0.05, 0.9, len(steps)) * (bottom - side // 10)
        if number % 3 == 0:
            width = (steps[1] - steps[0]) / 5
            for x, y in zip(steps, heights, strict=True):
                at = x + series * width
                pen.rectangle([at, y, at + width, bottom], fill=colors[series])
        elif number % 3 == 1:
            pen.line(list(zip(steps, heights, strict=True)), colors[series], 3)
        else:
            box = [side // 3, side // 5, side, side - side // 5]
            pen.pieslice(box, series * 110, series * 110 + 100, fill=colors[series])
    pen.text((left, 2), " ".join(random.choice(WORDS, 3)), ink, font=_font(random, 14))
    return np.array(image)


def _soft(image: Image.Image, random: Random, blur: float = 2, noise: float = 4) -> Pixels:
    """The image with blur and noise, as on film."""
    blurred = np.asarray(image.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float64)
    return _byte((blurred + random.normal(0, noise, blurred.shape)) / 255)


def _chest(random: Random, number: int, side: int) -> Pixels:
    """A chest X-ray: bright body, two dark lungs, ribs, spine and heart."""
    image = Image.new("L", (side, side), int(random.integers(0, 40)))
    pen = ImageDraw.Draw(image)

    def at(*shares: float) -> list[float]:
        return [share * side * random.uniform(0.97, 1.03) for share in shares]

    pen.rounded_rectangle(at(0.08, 0.12, 0.92, 1.1), side // 6, fill=int(random.integers(120, 190)))
    pen.rectangle(at(0.42, 0.0, 0.58, 0.3), fill=150)
    for lung in ((0.16, 0.18, 0.45, 0.8), (0.55, 0.18, 0.84, 0.8)):
        pen.ellipse(at(*lung), fill=int(random.integers(25, 70)))
    for rib in np.linspace(0.2, 0.72, int(random.integers(6, 10))):
        for first, last, begin, end in ((0.12, 0.48, 180, 300), (0.52, 0.88, 240, 360)):
            pen.arc(at(first, rib, last, rib + 0.22), begin, end, fill=int(random.integers(100, 140)), width=side // 60)
    pen.rectangle(at(0.47, 0.1, 0.53, 0.95), fill=200)
    pen.ellipse(at(0.42, 0.48, 0.7, 0.8), fill=205)
    return _soft(image, random, side / 120)


def _hand(random: Random, number: int, side: int) -> Pixels:
    """An X-ray of a hand: bright bones in gray tissue on black."""
    image = Image.new("L", (side, side), 5)
    pen = ImageDraw.Draw(image)
    wrist = np.array([0.5, 0.95]) * side
    for angle, length in zip(np.radians([-62, -22, -6, 10, 26]), (0.55, 0.82, 0.88, 0.83, 0.7), strict=True):
        tip = wrist + length * side * np.array([np.sin(angle), -np.cos(angle)])
        pen.line([*wrist, *tip], fill=70, width=int(side * 0.11))
        for k in range(4):
            first, last = (wrist + (tip - wrist) * share for share in (0.25 + 0.19 * k, 0.41 + 0.19 * k))
            pen.line([*first, *last], fill=int(random.integers(150, 230)), width=int(side * 0.045))
    pen.ellipse([0.3 * side, 0.62 * side, 0.68 * side, 1.0 * side], fill=80)
    for _ in range(8):
        x, y = random.uniform(0.4, 0.58) * side, random.uniform(0.78, 0.93) * side
        pen.ellipse([x, y, x + 0.06 * side, y + 0.06 * side], fill=190)
    turned = image.rotate(float(random.uniform(-40, 40)))
    return _soft(turned, random, side / 150)


def _disc(random: Random, number: int, side: int) -> Pixels:
    """A ring, a gray disc or an ellipse: bright, round and centered as a head, without structure."""
    rows, columns = _axes(side)
    tall, wide = random.uniform(0.5, 0.9, 2)
    far = np.hypot(rows / tall, columns / wide)
    inside = far < 1
    level = random.uniform(0.2, 0.9)
    if number % 4 == 0:
        values = inside * level
    elif number % 4 == 1:
        values = inside * (far > random.uniform(0.8, 0.96)) * level
    elif number % 4 == 2:
        values = inside * 0.35 + inside * (far > 0.9) * 0.6
    else:
        values = inside * level * np.sqrt(np.clip(1 - far**2, 0, 1))
    return _byte(values + 0.01 * np.abs(random.standard_normal(values.shape)))


def _globe(random: Random, number: int, side: int) -> Pixels:
    """A textured, shaded sphere on black, as an orange or the moon."""
    rows, columns = _axes(side)
    size = random.uniform(0.6, 0.9)
    far = np.hypot(rows, columns) / size
    shade = np.sqrt(np.clip(1 - far**2, 0, 1)) if number % 2 else np.ones_like(far)
    fine, coarse = (
        _smooth(random, side, int(random.integers(20, 70))),
        _smooth(random, side, int(random.integers(4, 12))),
    )
    values = (far < 1) * shade * (0.35 + 0.35 * coarse + 0.3 * fine)
    for _ in range(int(random.integers(0, 12)) if number % 3 == 0 else 0):  # craters
        y, x, r = *random.uniform(-0.6, 0.6, 2), random.uniform(0.03, 0.15)
        crater = np.hypot(rows - y, columns - x) / r
        values *= np.where(crater < 1, 0.6, np.where(crater < 1.2, 1.2, 1))
    return _byte(values)


def _slices(random: Random, number: int, side: int) -> Pixels:
    """A cut fruit: rind, spokes or seeds, textured flesh."""
    rows, columns = _axes(side)
    tall, wide = random.uniform(0.6, 0.9, 2)
    far, angle = np.hypot(rows / tall, columns / wide), np.arctan2(rows, columns)
    flesh = 0.45 + 0.2 * _smooth(random, side, 30)
    spokes = np.abs(np.sin(angle * int(random.integers(4, 8)) / 1.0)) < 0.12
    values = np.where(spokes & (far < 0.8), 0.75, flesh) if number % 2 else flesh
    values = np.where(far > 0.88, 0.85, values)
    values = np.where((far > 0.82) & (far <= 0.88), 0.25, values)
    for _ in range(int(random.integers(4, 14)) if number % 3 == 0 else 0):
        y, x = random.uniform(-0.5, 0.5, 2)
        values = np.where(np.hypot((rows - y) / 0.04, (columns - x) / 0.07) < 1, 0.1, values)
    return _byte(values * (far < 1))


def _body(random: Random, number: int, side: int) -> Pixels:
    """A slice of a trunk or of two thighs as in CT or MRI: fat, muscle, bones, organs."""
    rows, columns = _axes(side)
    values = np.zeros((side, side))
    centers = ((0.0, -0.45), (0.0, 0.45)) if number % 2 else ((0.0, 0.0),)
    tall, wide = (0.45, 0.4) if number % 2 else (random.uniform(0.5, 0.62), random.uniform(0.8, 0.95))
    texture = _smooth(random, side, 40)
    for y, x in centers:
        far = np.hypot((rows - y) / tall, (columns - x) / wide)
        values = np.where(far < 1, 0.85, values)
        values = np.where(far < random.uniform(0.8, 0.9), 0.3 + 0.12 * texture, values)
        bone = np.hypot(rows - y - (0 if number % 2 else 0.3), columns - x) / 0.11
        values = np.where(bone < 1, 0.08, values)
        values = np.where(bone < 0.65, 0.75, values)
        for _ in range(0 if number % 2 else 6):
            oy, ox = y + random.uniform(-0.3, 0.2), x + random.uniform(-0.5, 0.5)
            organ = np.hypot((rows - oy) / random.uniform(0.06, 0.18), (columns - ox) / random.uniform(0.06, 0.2))
            values = np.where(organ < 1, random.uniform(0.15, 0.7) + 0.08 * texture, values)
    image = Image.fromarray(_byte(values))
    return _soft(image, random, side / 250, 3)


def _color(random: Random, number: int, side: int) -> Pixels:
    """Colored shapes and smooth color noise."""
    if number % 2:
        return _byte(np.stack([_smooth(random, side, int(random.integers(3, 30))) for _ in range(3)], axis=-1))
    image = Image.new("RGB", (side, side), tuple(int(c) for c in random.integers(0, 255, 3)))
    pen = ImageDraw.Draw(image)
    for _ in range(int(random.integers(3, 40))):
        x, y = random.uniform(0, side, 2)
        w, h = random.uniform(5, side / 2, 2)
        shape = pen.ellipse if random.random() < 0.5 else pen.rectangle
        shape([x, y, x + w, y + h], fill=tuple(int(c) for c in random.integers(0, 255, 3)))
    return np.array(image)


GENERATORS: dict[str, Callable[[Random, int, int], Pixels]] = {
    "noise": _noise,
    "gradient": _gradient,
    "checks": _checks,
    "empty": _empty,
    "page of text": _page,
    "chart": _chart,
    "synthetic chest X-ray": _chest,
    "synthetic hand X-ray": _hand,
    "disc or ring": _disc,
    "globe": _globe,
    "cut fruit": _slices,
    "synthetic body slice": _body,
    "color": _color,
}
