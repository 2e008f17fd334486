"""The page of a card: all facts it holds, and no empty section."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from tests.fixtures import model_cards
from tumorlens.deploy.predictor import load
from tumorlens.model_card.card import ModelCard
from tumorlens.model_card.card_sections import ModelFile, card_page

FILE = ModelFile(Path("folder/a.onnx"), 13_462_566, model_cards.HASH)


def rows(card: ModelCard) -> dict[str, dict[str, tuple[str, ...]]]:
    """Title -> first cell -> the other cells."""
    return {section.title: {first: others for first, *others in section.rows} for section in card_page(card, FILE)}


def test_the_page_shows_the_file_the_intended_use_and_the_caveats() -> None:
    page = rows(model_cards.full())
    assert page["Model"]["file"] == [f"a.onnx, 13.5 MB, SHA-256 {model_cards.HASH}"]
    assert page["Model"]["network"] == ["mini_resnet, 12 parameters: small"]
    assert "Not a medical device" in page["Intended use"]["use"][0]
    assert page["Caveats"] == {"": ["Only 10 test patients."]}
    assert page["License"]["attribution"] == ["Data set figshare: CC BY 4.0; Cheng 2017"]


def test_each_class_has_its_metrics_and_an_empty_cell_without_one() -> None:
    (section,) = (s for s in card_page(model_cards.full(), FILE) if s.title == "Metrics per class")
    assert section.headings == ("class", "images", "sensitivity", "Dice")
    assert section.rows == (
        ("glioma", "25", "80.0 % (70.0 to 90.0)", "0.750 (0.700 to 0.800)"),
        ("no_tumor", "15", "100.0 % (no interval)", ""),
    )


def test_an_older_card_is_marked_and_has_no_empty_section() -> None:
    page = rows(model_cards.sparse())
    assert "export the run again" in page["Model"]["older model file"][0]
    assert "Metrics" not in page
    assert "Calibration" not in page
    assert all(page.values())


def test_the_card_of_an_exported_run_shows_its_evaluation(evaluated_model_file: Path) -> None:
    card, file = load(evaluated_model_file).card, ModelFile.of(evaluated_model_file)
    assert file.sha256 == sha256(evaluated_model_file.read_bytes()).hexdigest()
    assert file.bytes == evaluated_model_file.stat().st_size
    page = rows(card)
    assert page["Metrics"]["accuracy"][1] == "8 images, 4 patients"
    assert set(page["Metrics per class"]) == set(card.classes)
    assert page["Data"]["test"][0].startswith("8 images of 4 patients (glioma 2 images of 1 patient;")
    assert page["Training"]["optimizer"][0].startswith("adamw, lr ")
    assert "older model file" not in page["Model"]
