"""The models that come with tumorlens answer at once, say what they are, and are small."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.without_torch import BLOCKED
from tumorlens._legacy import tensor_name
from tumorlens.cli import main
from tumorlens.deploy.predictor import load, predict
from tumorlens.deploy.shipped import SHIPPED_MODELS, model_file, shipped_file
from tumorlens.errors import ModelFileError
from tumorlens.model_card.card import parse_card
from tumorlens.scan import read_scan

CLASSES = {"glioma", "meningioma", "pituitary", "no_tumor"}
MEGABYTE = 1e6


@pytest.fixture(params=SHIPPED_MODELS)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def test_all_together_are_small_and_the_tiny_one_is_tiny() -> None:
    sizes = {
        (name, suffix): shipped_file(name, suffix).stat().st_size
        for name in SHIPPED_MODELS
        for suffix in (".onnx", ".safetensors")
    }
    assert sum(sizes.values()) < 40 * MEGABYTE
    assert all(size < 3 * MEGABYTE for (name, _), size in sizes.items() if name == "tiny")


def test_a_card_says_what_it_was_measured_on_and_whose_data_it_is(name: str) -> None:
    card = load(name).card
    assert set(card.classes) == CLASSES
    assert card.segments
    assert card.heatmap
    assert card.tested_on
    assert card.caveats
    assert card.metrics["accuracy"]["n"] > 500
    assert card.metrics["accuracy"]["low"] < card.metrics["accuracy"]["value"] < card.metrics["accuracy"]["high"]
    assert set(card.per_class) == CLASSES
    assert card.calibration is not None
    assert card.ood is not None
    assert card.prediction_sets is not None
    assert "Not a medical device" in card.intended_use
    credits = " ".join(card.attributions)
    for owed in ("CC BY 4.0", "Cheng", "CC0", "Apache-2.0"):
        assert owed in credits
    assert len(card.training["split_hash"]) == 64


def test_the_recipe_of_its_name_is_the_one_it_was_made_by(name: str) -> None:
    pytest.importorskip("torch")
    from tumorlens.training import load_recipe

    card, recipe = load(name).card, load_recipe(name)
    assert card.training["recipe"] == name
    assert card.model == recipe.model
    settings = recipe.model_dump(mode="json", include=set(card.training["settings"]))
    settings |= {"precision": card.training["settings"]["precision"]}  # the recipe leaves it to the machine
    assert recipe.precision == "auto"
    assert settings["precision"] in ("bf16", "float32")
    assert card.training["settings"] == settings
    assert {"epochs", "input", "augment", "loss", "optimizer"} <= set(card.training["settings"])


def test_no_path_of_a_machine_is_in_the_files(name: str) -> None:
    for suffix in (".onnx", ".safetensors"):
        content = shipped_file(name, suffix).read_bytes()
        places = (b"/home/", b"/work/", b"/root/", b"/tmp/", b"site-packages")
        assert not [place for place in places if place in content]


def test_the_weights_alone_are_those_of_the_bundle(name: str, phantoms: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors import safe_open
    from safetensors.torch import load_file

    from tumorlens.models import ModelSpec, Pipeline

    path = shipped_file(name, ".safetensors")
    with safe_open(path, "np") as stored:
        card = parse_card(stored.metadata(), str(path))
    predictor = load(name)
    assert card == predictor.card
    network = card.training["network"]
    spec = ModelSpec(
        card.model, card.classes, network["channels"], card.input_geometry, tuple(network["mean"]), tuple(network["std"]),
        network["dropout"], dict(network["options"]),
    )  # fmt: skip
    made = spec.network()
    made.load_state_dict({tensor_name(key): value for key, value in load_file(path).items()})
    pipeline = Pipeline(spec.preprocessing(), made.eval(), card.temperature, segments=True).eval()
    for image in sorted((phantoms / "images").iterdir())[:3]:
        answer = predictor.predict(image)
        with torch.inference_mode():
            expected = pipeline(torch.from_numpy(read_scan(image).gray_slice().copy())[None]).probabilities[0].tolist()
        assert list(answer.probabilities.values()) == pytest.approx(expected, abs=2e-2)


def test_one_call_names_draws_and_points(phantoms: Path) -> None:
    image = sorted((phantoms / "images").iterdir())[0]
    answer = predict(image)
    assert answer.label in CLASSES
    assert answer.mask is not None
    assert answer.heatmap is not None
    assert answer.mask.shape == answer.heatmap.shape == answer.size
    assert answer.model_file == "default"
    assert predict(image, "tiny").model_file == "tiny"


def test_the_command_needs_neither_model_nor_torch(phantoms: Path, tmp_path: Path) -> None:
    image = sorted((phantoms / "images").iterdir())[0]
    arguments = ["predict", str(image), "--json", "--out", str(tmp_path / "answers"), "--overlays", "--masks"]
    done = subprocess.run([sys.executable, "-c", BLOCKED, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["label"] in CLASSES
    assert answer["tumor"] is not None
    assert (tmp_path / "answers" / answer["overlay"]).is_file()
    assert (tmp_path / "answers" / answer["mask"]).is_file()


def test_images_that_are_no_mri_are_marked(name: str) -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:200, 0:240]
    strange = {
        "noise": rng.integers(0, 256, (200, 240)),
        "stripes": 255 * (columns // 12 % 2),
        "squares": 255 * ((rows // 25 + columns // 25) % 2),
        "ramp": columns,
        "nothing": np.zeros((200, 240)),
    }
    predictor = load(name)
    passed = [what for what, image in strange.items() if not predictor.predict(image.astype(np.uint8)).ood]
    assert len(passed) <= 1, passed


def test_a_file_of_that_name_comes_first(
    tmp_path: Path, bundle_of_phantoms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_file("default") == shipped_file("default", ".onnx")
    shutil.copy(bundle_of_phantoms, tmp_path / "default")
    assert model_file("default") == Path("default")
    with pytest.raises(ModelFileError, match=r"defalt: no such file.* or a model that ships: default, tiny"):
        load("defalt")


@pytest.fixture
def bundle_of_phantoms(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue("bundle")
    return path


def test_its_card_is_printed_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card"]) == 0
    printed = capsys.readouterr().out
    assert "Figures of each class" in printed
    assert "CC BY 4.0" in printed
    assert main(["card", "tiny", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "tiny"
