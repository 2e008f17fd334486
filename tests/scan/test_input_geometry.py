"""Images are resized to the network input, and maps over the input back to the image."""

import numpy as np
import pytest

from tumorlens.scan import CropWindow, InputGeometry

SHAPES = [(40, 40), (30, 50), (51, 30), (7, 300)]
GEOMETRIES = [
    InputGeometry(64),
    InputGeometry(64, "resize"),
    InputGeometry(64, "center_crop"),
    InputGeometry(64, "center_crop", resize=80),
]


def test_letterbox_pads_the_shorter_side() -> None:
    assert InputGeometry(224).crop_window(30, 51) == CropWindow(-10, 0, 51, 51, 224, (30, 51))
    assert InputGeometry(224).crop_window(51, 30) == CropWindow(0, -10, 51, 51, 224, (51, 30))


def test_resize_uses_the_whole_image() -> None:
    assert InputGeometry(224, "resize").crop_window(30, 50) == CropWindow(0, 0, 30, 50, 224, (30, 50))


def test_center_crop_uses_the_center() -> None:
    assert InputGeometry(224, "center_crop").crop_window(300, 500) == CropWindow(0, 100, 300, 300, 224, (300, 500))
    assert InputGeometry(224, "center_crop", resize=256).crop_window(512, 512) == CropWindow(
        32, 32, 448, 448, 224, (512, 512)
    )


def test_an_image_of_one_pixel_fits_every_geometry() -> None:
    for input_geometry in GEOMETRIES:
        window = input_geometry.crop_window(1, 1)
        assert window.to_input(np.full((1, 1), 9, np.uint8)).tolist() == [[9] * 64] * 64
        assert window.to_image(np.ones((7, 7))).tolist() == [[1.0]]


def test_padding_is_black_and_the_image_is_centered() -> None:
    resized = InputGeometry(64).crop_window(32, 64).to_input(np.full((32, 64), 200, np.uint8))
    assert resized.dtype == np.uint8
    assert (resized[:16] == 0).all()
    assert (resized[16:48] == 200).all()
    assert (resized[48:] == 0).all()


def test_resizing_is_antialiased_with_half_pixel_centers() -> None:
    stripes = np.tile(np.array([0, 200], np.uint8), (128, 64))
    resized = InputGeometry(32, "resize").crop_window(128, 128).to_input(stripes)
    assert np.abs(resized[:, 1:-1].astype(int) - 100).max() <= 1
    ramp = np.tile(np.arange(0, 240, dtype=np.uint8), (240, 1))
    centers = InputGeometry(60, "resize").crop_window(240, 240).to_input(ramp)[0, 2:-2]
    assert np.abs(centers - (np.arange(2, 58) * 4 + 1.5)).max() <= 0.5


@pytest.mark.parametrize("input_geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_an_image_resized_to_the_input_and_back_is_unchanged(
    input_geometry: InputGeometry, shape: tuple[int, int]
) -> None:
    height, width = shape
    rows, columns = np.mgrid[:height, :width]
    image = (40 + 160 * (rows / height + columns / width) / 2).astype(np.uint8)
    window = input_geometry.crop_window(height, width)
    back = window.to_image(window.to_input(image))
    assert back.shape == shape
    assert back.dtype == np.float32
    # The padding bleeds in, and the crop ends, within two input pixels of the border of the window.
    border = 2 + int(2 * max(window.height, window.width) / input_geometry.size)
    top, left = max(window.top, 0), max(window.left, 0)
    inside = (slice(top + border, height - top - border), slice(left + border, width - left - border))
    np.testing.assert_allclose(back[inside], image[inside], atol=4)


def test_the_maximum_of_a_coarse_map_stays_at_its_location() -> None:
    heat = np.zeros((7, 7))
    heat[5, 1] = 1.0  # low, on the left of the input
    for input_geometry in GEOMETRIES[:3]:
        row, column = np.unravel_index(input_geometry.crop_window(140, 140).to_image(heat).argmax(), (140, 140))
        assert (row // 20, column // 20) == (5, 1)


def test_a_constant_map_stays_constant_inside_and_zero_outside_the_crop() -> None:
    back = InputGeometry(64, "center_crop").crop_window(30, 50).to_image(np.full((7, 7), 3.0))
    np.testing.assert_allclose(back[:, 10:40], 3, rtol=1e-6)
    assert (back[:, :10] == 0).all()
    assert (back[:, 40:] == 0).all()


@pytest.mark.parametrize("cells", [7, 32, 33, 200])
def test_resizing_a_map_equals_resizing_the_whole_window_and_cropping(cells: int) -> None:
    from PIL import Image

    heat = np.random.default_rng(0).random((cells, cells), dtype=np.float32)
    whole = np.asarray(Image.fromarray(heat).resize((51, 51), Image.Resampling.BILINEAR))
    back = InputGeometry(64).crop_window(30, 51).to_image(heat)
    np.testing.assert_allclose(back, whole[10:40], atol=1e-5)
    assert back.flags.writeable


def test_a_long_strip_allocates_no_square_of_its_length() -> None:
    assert InputGeometry(224).crop_window(3, 200_000).to_image(np.ones((7, 7))).shape == (3, 200_000)


HEAD = (20, 30, 60, 40)  # top, left, height, width, in an image of 100 x 120


@pytest.mark.parametrize(
    ("input_geometry", "expected"),
    [
        (InputGeometry(64, crop="head"), (20, 20, 60, 60)),
        (InputGeometry(64, "resize", crop="head"), (20, 30, 60, 40)),
        (InputGeometry(64, "center_crop", crop="head"), (30, 30, 40, 40)),
        (InputGeometry(64, "center_crop", 80, "head"), (34, 34, 32, 32)),
    ],
    ids=str,
)
def test_a_head_crop_fits_the_bounding_box_of_the_head(
    input_geometry: InputGeometry, expected: tuple[int, int, int, int]
) -> None:
    window = input_geometry.crop_window(100, 120, HEAD)
    assert window == CropWindow(*expected, 64, (100, 120), HEAD)
    image = np.full((100, 120), 9, np.uint8)
    image[20:80, 30:70] = 200
    alone = InputGeometry(64, input_geometry.mode, input_geometry.resize).crop_window(60, 40)
    assert np.array_equal(window.to_input(image), alone.to_input(image[20:80, 30:70]))
    heat = np.random.default_rng(0).random((7, 7))
    back = window.to_image(heat)
    np.testing.assert_allclose(back[20:80, 30:70], alone.to_image(heat), atol=1e-6)
    back[20:80, 30:70] = 0
    assert not back.any()


def test_a_box_of_the_whole_image_equals_no_crop() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 50), dtype=np.uint8)
    whole, none = (
        InputGeometry(64, crop="head").crop_window(30, 50, (0, 0, 30, 50)),
        InputGeometry(64).crop_window(30, 50),
    )
    assert np.array_equal(whole.to_input(image), none.to_input(image))


@pytest.mark.parametrize("box", [(0, 0, 31, 50), (-1, 0, 5, 5), (3, 3, 0, 5), (0, 48, 5, 3)])
def test_a_box_beyond_the_image_is_refused(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"expected a region of the image of 30 x 50"):
        InputGeometry(64, crop="head").crop_window(30, 50, box)


def test_a_head_crop_without_a_box_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the bounding box of the head"):
        InputGeometry(64, crop="head").crop_window(30, 50)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size is 0"),
        ({"size": 224, "crop": "neck"}, "none, head"),
        ({"size": 224, "mode": "zoom"}, "letterbox, resize, center_crop"),
        ({"size": 224, "resize": 256}, "expected mode 'center_crop'"),
        ({"size": 224, "mode": "center_crop", "resize": 200}, "at least the size"),
    ],
)
def test_an_invalid_geometry_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InputGeometry(**arguments)  # type: ignore[arg-type]


def test_images_and_maps_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 x 1"):
        InputGeometry(64).crop_window(0, 10)
    window = InputGeometry(64).crop_window(30, 50)
    with pytest.raises(ValueError, match=r"expected \(30, 50\) uint8"):
        window.to_input(np.zeros((50, 30), np.uint8))
    with pytest.raises(ValueError, match=r"expected \(n, n\)"):
        window.to_image(np.zeros((7, 8)))
