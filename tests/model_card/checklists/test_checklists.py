"""The two checklists: every item once, in order, and nothing said that a card does not hold."""

from __future__ import annotations

import re

import pytest

from tests.fixtures import model_cards
from tumorlens.model_card.checklists import CHECKLISTS
from tumorlens.model_card.checklists.checklist_item import Checklist
from tumorlens.model_card.checklists.fill import fill

# Parts of TRIPOD+AI's items that have them; the others stand alone (Collins et al. 2024, table 2).
PARTS = {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc", 23: "ab", 27: "abc"}


def said(name: str, number: str, **changes: object) -> str:
    """What a full card says to an item, as one text."""
    (found,) = (one for one in fill(CHECKLISTS[name], model_cards.full(**changes)) if one.item.number == number)
    return "\n".join(found.lines)


def test_claim_has_its_44_items_in_order() -> None:
    assert [item.number for item in CHECKLISTS["claim"].items] == [str(n) for n in range(1, 45)]


def test_tripod_ai_has_its_27_items_and_their_52_parts_in_order() -> None:
    wanted = [f"{n}{part}" for n in range(1, 28) for part in PARTS.get(n, [""])]
    assert [item.number for item in CHECKLISTS["tripod-ai"].items] == wanted
    assert len(wanted) == 52


@pytest.mark.parametrize("sheet", CHECKLISTS.values(), ids=list(CHECKLISTS))
def test_sections_are_not_torn_apart_and_every_item_asks_something(sheet: Checklist) -> None:
    sections = [item.section for item in sheet.items]
    runs = [a for a, b in zip(sections, [*sections[1:], ""], strict=True) if a != b]
    assert len(runs) == len(set(runs))
    assert all(item.ask and (item.left or item.answers) for item in sheet.items)
    assert all(not item.left.endswith(".") for item in sheet.items)


@pytest.mark.parametrize("sheet", CHECKLISTS.values(), ids=list(CHECKLISTS))
def test_an_older_card_leaves_blanks_and_says_nothing_empty(sheet: Checklist) -> None:
    for one in fill(sheet, model_cards.sparse()):
        assert one.lines or one.left
        assert all(
            line.strip() and "None" not in line and "{}" not in line for line in one.lines if "None:" not in line
        )


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        ("7", "figshare: slices; 130 images of 48 patients used; released were 3,064 images of 233 patient ids; CC BY"),
        ("7", "mine: 40 images, patients unknown used"),
        ("9", "8-bit gray values as 0 to 1, minus 0.5, divided by 0.25, in three equal channels"),
        ("14", "The outline of the tumor is the mask that the data set gives"),
        ("19", f"SHA-256 of the split: {model_cards.HASH}"),
        ("19", "test: 40 images of 10 patients (glioma 25 images of 6 patients; no_tumor 15 images, patients unknown)"),
        ("20", "No patient who is known is in two parts\nmine: no patient is known"),
        ("20", "A search for copies before training found none of validation or test in train"),
        ("22", "mini_resnet, 12 parameters: small\nOptions: stride 16"),
        ("24", "hub timm/x; the classifier, and what these weights lack, at random, seed 7"),
        ("25", "optimizer: adamw, lr 0.0005"),
        ("26", "The epoch best by val_dice was kept, 9 of 12"),
        ("29", "95 % intervals by bootstrap, 2000 resamples, seed 0\nWhat is resampled as one: patient"),
        ("22", "Answers it is unsure of are withheld on request"),
        ("30", "With the head blanked it guesses.\nInputs it was not made for are flagged by distance"),
        ("31", "Heat maps by grad_cam, mask"),
        ("32", "Measured on figshare+mine, test part: 40 images, 10 patients: held out"),
        ("37", "accuracy: 90.0 % (80.0 to 95.0), 40 images, 10 patients"),
        ("38", "glioma: sensitivity 80.0 % (70.0 to 90.0), Dice of the tumor 0.750 (0.700 to 0.800)"),
        ("39", "glioma: 20 of 25 images right, 5 named no_tumor"),
        ("40", "Only 10 test patients.\nmine: no patient ids\nfigshare: Neighboring slices."),
        ("43", "Data set figshare: CC BY 4.0; Cheng 2017"),
    ],
)
def test_claim_says_what_the_card_holds(number: str, wanted: str) -> None:
    assert wanted in said("claim", number)


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        ("12b", "divided by 0.25"),
        ("12c", "Described in: Someone 2020"),
        ("12g", "divided by the temperature 1.250"),
        ("13", "Each class weighs in the loss by the inverse of its share"),
        ("15", "The class named is that of the highest probability"),
        ("21", "glioma 25 images of 6 patients"),
        ("23a", "calibration error (ECE) on the test part: 0.200 (0.100 to 0.300) without it"),
    ],
)
def test_tripod_ai_says_what_the_card_holds(number: str, wanted: str) -> None:
    assert wanted in said("tripod-ai", number)


def test_what_a_split_did_wrong_is_said() -> None:
    known = model_cards.full().training
    torn = known | {
        "split": known["split"] | {"by": "image, patients ignored"},
        "leaks": [{"part": "test", "by": "patient", "images": 30, "of": 40}],
    }
    assert "patients are: known patients were torn apart on request" in said("claim", "20", training=torn)
    assert "test: 30 of 40 images are known from train, by patient" in said("claim", "20", training=torn)
    assert "search for copies" not in said("claim", "20", training=torn)


def test_the_asks_are_short_and_in_our_words() -> None:
    for sheet in CHECKLISTS.values():
        for item in sheet.items:
            assert len(item.ask) < 80
            assert not re.search(r"\b(Describe|Specify|Report|Provide|Explain)\b", item.ask)
