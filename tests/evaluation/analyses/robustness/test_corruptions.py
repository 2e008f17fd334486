"""Every artifact keeps the form of an image, draws the same for the same sample, and grows with its severity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tumorlens.evaluation.analyses.robustness.corruptions import ARTIFACTS, disturb, disturb_mask
from tumorlens.scan import GrayImage, Mask, read_scan

GRADED = [name for name, artifact in ARTIFACTS.items() if len(artifact.amounts) == 5]
ROWS, COLUMNS = np.mgrid[:240, :200]


@pytest.fixture(scope="module")
def head(phantoms: Path) -> GrayImage:
    """A phantom, as large as images are."""
    small = Image.fromarray(read_scan(sorted((phantoms / "images").iterdir())[0]).gray_slice())
    return np.asarray(small.resize((256, 256), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def disc() -> GrayImage:
    """An even disc on black, higher than it is wide."""
    return np.where(np.hypot(ROWS - 120, COLUMNS - 100) < 75, 120, 0).astype(np.uint8)


def distance(one: GrayImage, other: GrayImage) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("name", list(ARTIFACTS))
def test_an_image_stays_an_image_of_its_size_and_is_changed(name: str, disc: GrayImage) -> None:
    bumpy = disc + (disc > 0) * (COLUMNS // 8 % 3 * 30).astype(np.uint8)
    before = bumpy.copy()
    for severity in range(1, len(ARTIFACTS[name].amounts) + 1):
        worse = disturb(bumpy, name, severity)
        assert worse.shape == bumpy.shape
        assert worse.dtype == np.uint8
        assert not np.array_equal(worse, bumpy)
    assert np.array_equal(bumpy, before)


@pytest.mark.parametrize("name", list(ARTIFACTS))
def test_the_same_seed_and_sample_give_the_same_pixels(name: str, head: GrayImage) -> None:
    last = len(ARTIFACTS[name].amounts)
    once = disturb(head, name, last, seed=3, sample="x/1")
    np.random.default_rng().random(5)  # what others draw makes no difference
    assert np.array_equal(once, disturb(head, name, last, seed=3, sample="x/1"))


@pytest.mark.parametrize("name", ["bias_field", "noise", "ghosting", "spike", "motion", "rotation"])
def test_other_samples_and_seeds_draw_something_else(name: str, head: GrayImage) -> None:
    def distinct(**draws: object) -> int:
        return len({disturb(head, name, 4, **draws).tobytes()})  # type: ignore[arg-type]

    assert distinct(sample="x/1") == 1
    samples = {disturb(head, name, 4, sample=f"x/{i}").tobytes() for i in range(8)}
    seeds = {disturb(head, name, 4, seed=i).tobytes() for i in range(8)}
    assert len(samples) > 1
    assert len(seeds) > 1


@pytest.mark.parametrize("name", GRADED)
def test_each_severity_is_farther_from_the_image_than_the_last(name: str, head: GrayImage) -> None:
    away = [
        np.mean([distance(disturb(head, name, severity, sample=f"x/{i}"), head) for i in range(4)])
        for severity in range(1, 6)
    ]
    assert away == sorted(away)
    assert away[0] > 0
    assert away[4] > 1.5 * away[0]


def test_noise_is_as_strong_as_its_words_say_and_rician_where_nothing_is() -> None:
    gray = np.zeros((200, 200), np.uint8)
    gray[:, 100:] = 200  # the brightest tissue
    assert ARTIFACTS["noise"].words(3) == "sigma 9 % of the brightest tissue"
    noisy = disturb(gray, "noise", 3).astype(float)
    assert noisy[:, 100:].std() == pytest.approx(18, rel=0.05)
    assert noisy[:, :100].mean() == pytest.approx(18 * np.sqrt(np.pi / 2), rel=0.05)  # the mean of a Rayleigh


def test_a_spike_is_stripes_of_one_direction_as_high_as_its_words_say() -> None:
    gray = np.full((128, 128), 100, np.uint8)
    assert ARTIFACTS["spike"].words(4) == "stripes of 20 % of the brightest tissue"
    striped = disturb(gray, "spike", 4).astype(float)
    assert striped.max() - striped.mean() == pytest.approx(20, abs=1)
    spectrum = np.abs(np.fft.fft2(striped - striped.mean()))
    assert np.sum(spectrum > spectrum.max() / 4) == 2  # one frequency, and its mirror image


def test_motion_smears_a_moved_head_and_leaves_it_where_it_was(disc: GrayImage) -> None:
    moved = disturb(disc, "motion", 5).astype(float)
    inside = np.hypot(ROWS - 120, COLUMNS - 100) < 60
    ood = np.hypot(ROWS - 120, COLUMNS - 100) > 85
    assert moved[ood].mean() > 1  # something is where nothing was
    assert moved[inside].mean() > 90
    center = [float((axis * moved).sum() / moved.sum()) for axis in (ROWS, COLUMNS)]
    assert np.hypot(center[0] - 120, center[1] - 100) < 10


def test_blur_keeps_an_even_image_up_to_its_frame() -> None:
    white = np.full((60, 60), 250, np.uint8)
    assert np.array_equal(disturb(white, "blur", 5), white)


def test_gamma_keeps_the_darkest_and_the_brightest_gray() -> None:
    ramp = np.tile(np.arange(20, 220, dtype=np.uint8), (9, 1))
    darker, brighter = disturb(ramp, "darker", 5), disturb(ramp, "brighter", 5)
    for changed in (darker, brighter):
        assert (changed.min(), changed.max()) == (20, 219)
        assert (np.diff(changed[0].astype(int)) >= 0).all()
    assert darker[0, 100] < ramp[0, 100] < brighter[0, 100]


def test_an_even_image_survives_everything() -> None:
    for level in (0, 7, 255):
        even = np.full((24, 30), level, np.uint8)
        for name, artifact in ARTIFACTS.items():
            assert disturb(even, name, len(artifact.amounts)).shape == (24, 30), name


def test_only_rotation_and_flip_move_the_mask_and_they_move_it_with_the_image(disc: GrayImage) -> None:
    mask: Mask = np.zeros(disc.shape, np.uint8)
    mask[75:110, 115:150] = 1
    gray = disc + 100 * mask
    for name, artifact in ARTIFACTS.items():
        last = len(artifact.amounts)
        for sample in ("x/1", "x/2", "x/3"):
            moved = disturb_mask(mask, name, last, sample=sample)
            if name in ("rotation", "flip"):
                worse = disturb(gray, name, last, sample=sample)
                assert not np.array_equal(moved, mask)
                assert np.mean((worse > 170) != (moved > 0)) < 0.01
            else:
                assert np.array_equal(moved, mask)


def test_what_a_rotation_brings_into_view_has_the_gray_of_the_background() -> None:
    gray = np.full((64, 64), 200, np.uint8)
    gray[20:44, 20:44] = 40
    assert disturb(gray, "rotation", 5).min() >= 40
    assert (disturb(gray, "rotation", 5)[0] == 200).all()


def test_the_page_that_explains_them_gives_the_same_amounts() -> None:
    page = Path(__file__).parents[4] / "docs" / "explanation" / "robustness.md"
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.read_text(encoding="utf-8").splitlines()]
    said = {row[0]: (row[1], row[2:]) for row in rows if len(row) == 7}
    for artifact in ARTIFACTS.values():
        unit, amounts = said[artifact.title]
        if len(artifact.amounts) == 5:
            scale = 100 if "percent" in unit else 1
            assert [float(amount) for amount in amounts] == pytest.approx([scale * one for one in artifact.amounts])
            assert amounts[2] in artifact.words(3)
