"""The models that come with tumorlens predict without setup, have a complete card, and are small."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.refusal import assert_refused
from tests.fixtures.without_torch import BLOCKED
from tumorlens._legacy import tensor_name
from tumorlens.cli import main
from tumorlens.deploy.predictor import load, predict
from tumorlens.deploy.shipped import SHIPPED_MODELS, model_path, shipped_file
from tumorlens.errors import ModelFileError
from tumorlens.model_card.card import parse_card
from tumorlens.scan import read_scan

CLASSES = {"glioma", "meningioma", "pituitary", "no_tumor"}
MEGABYTE = 1e6


@pytest.fixture(params=SHIPPED_MODELS)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def test_all_files_together_are_small_and_the_tiny_model_is_tiny() -> None:
    sizes = {
        (name, suffix): shipped_file(name, suffix).stat().st_size
        for name in SHIPPED_MODELS
        for suffix in (".onnx", ".safetensors")
    }
    assert sum(sizes.values()) < 40 * MEGABYTE
    assert all(size < 3 * MEGABYTE for (name, _), size in sizes.items() if name == "tiny")


def test_a_card_reports_its_test_data_and_its_licenses(name: str) -> None:
    card = load(name).card
    assert set(card.classes) == CLASSES
    assert card.segments
    assert card.heatmap
    assert card.tested_on
    assert card.caveats
    accuracy = card.metrics["accuracy"]
    assert accuracy.n > 500
    assert accuracy.low < accuracy.value < accuracy.high
    assert set(card.per_class) == CLASSES
    assert card.calibration is not None
    assert card.ood is not None
    assert card.prediction_sets is not None
    assert "Not a medical device" in card.intended_use
    credits = " ".join(card.attributions)
    for owed in ("CC BY 4.0", "Cheng", "CC0", "Apache-2.0"):
        assert owed in credits
    assert len(card.training.split_hash) == 64


def test_the_recipe_of_the_same_name_is_the_one_in_the_card(name: str) -> None:
    pytest.importorskip("torch")
    from tumorlens.training import Recipe, load_recipe

    card, recipe = load(name).card, load_recipe(name)
    assert card.training.recipe == name
    assert card.model == recipe.model
    named = {"name": recipe.name, "description": recipe.description, "model": recipe.model}
    stated = Recipe.model_validate({**card.training.settings, **named})  # a key that is newer has its default
    assert recipe.precision == "auto"  # it leaves that to the machine
    assert stated.precision in ("bf16", "float32")
    keys = set(card.training.settings) - {"precision"}
    assert stated.model_dump(include=keys) == recipe.model_dump(include=keys)
    assert {"epochs", "input", "augment", "loss", "optimizer"} <= set(card.training.settings)


def test_the_files_contain_no_path_of_a_machine(name: str) -> None:
    for suffix in (".onnx", ".safetensors"):
        content = shipped_file(name, suffix).read_bytes()
        places = (b"/home/", b"/work/", b"/root/", b"/tmp/", b"site-packages")
        assert not [place for place in places if place in content]


def test_the_weights_alone_give_the_predictions_of_the_model_file(name: str, phantoms: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors import safe_open
    from safetensors.torch import load_file

    from tumorlens.models import ModelSpec, Pipeline

    path = shipped_file(name, ".safetensors")
    with safe_open(path, "np") as stored:
        card = parse_card(stored.metadata(), str(path))
    predictor = load(name)
    assert card == predictor.card
    network = card.training.network
    assert network is not None
    spec = ModelSpec(
        card.model, card.classes, network.channels, card.input_geometry, network.mean, network.std,
        network.dropout, dict(network.options),
    )  # fmt: skip
    loaded = spec.network()
    loaded.load_state_dict({tensor_name(key): value for key, value in load_file(path).items()})
    pipeline = Pipeline(spec.preprocessing(), loaded.eval(), card.temperature, segments=True).eval()
    for image in sorted((phantoms / "images").iterdir())[:3]:
        prediction = predictor.predict(image)
        with torch.inference_mode():
            expected = pipeline(torch.from_numpy(read_scan(image).gray_slice().copy())[None]).probabilities[0].tolist()
        assert list(prediction.probabilities.values()) == pytest.approx(expected, abs=2e-2)


def test_one_call_classifies_segments_and_explains(phantoms: Path) -> None:
    image = sorted((phantoms / "images").iterdir())[0]
    prediction = predict(image)
    assert prediction.label in CLASSES
    assert prediction.mask is not None
    assert prediction.heatmap is not None
    assert prediction.mask.shape == prediction.heatmap.shape == prediction.size
    assert prediction.model == "default"
    assert predict(image, "tiny").model == "tiny"


def test_the_command_needs_neither_a_model_option_nor_torch(phantoms: Path, tmp_path: Path) -> None:
    image = sorted((phantoms / "images").iterdir())[0]
    arguments = ["predict", str(image), "--json", "--out-dir", str(tmp_path / "predictions"), "--overlays", "--masks"]
    done = subprocess.run([sys.executable, "-c", BLOCKED, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    prediction = json.loads(done.stdout)
    assert prediction["label"] in CLASSES
    assert prediction["tumor"] is not None
    assert (tmp_path / "predictions" / prediction["overlay"]).is_file()
    assert (tmp_path / "predictions" / prediction["mask"]).is_file()


def test_images_that_are_no_mri_are_flagged(name: str) -> None:
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
    accepted = [name for name, image in strange.items() if not predictor.predict(image.astype(np.uint8)).ood]
    assert len(accepted) <= 1, accepted


def test_a_file_with_the_name_of_a_shipped_model_takes_precedence(
    tmp_path: Path, model_file_of_phantoms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_path("default") == shipped_file("default", ".onnx")
    shutil.copy(model_file_of_phantoms, tmp_path / "default")
    assert model_path("default") == Path("default")
    with assert_refused(
        ModelFileError,
        file="defalt$",
        found="no such file",
        expected="a model that comes with tumorlens: default, tiny",
    ):
        load("defalt")


@pytest.fixture
def model_file_of_phantoms(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue("model_file")
    return path


def test_the_card_is_printed_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card"]) == 0
    printed = capsys.readouterr().out
    assert "Metrics per class" in printed
    assert "CC BY 4.0" in printed
    assert main(["card", "tiny", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "tiny"
