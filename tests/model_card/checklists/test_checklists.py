"""The reporting checklists: every item once, in order, and only facts that the card holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fixtures import model_cards
from tests.fixtures.refusal import assert_refused
from tumorlens.errors import TumorlensError
from tumorlens.model_card.checklists.card_statements import STATEMENTS
from tumorlens.model_card.checklists.checklist import read_checklist
from tumorlens.model_card.checklists.fill_checklist import fill_checklist
from tumorlens.model_card.checklists.shipped_checklists import checklist_names, load_checklist

# Sub-items of TRIPOD+AI; the other items have none (Collins et al. 2024, table 2).
SUB_ITEMS = {
    3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc", 23: "ab", 27: "abc",
}  # fmt: skip


def text_of(name: str, number: str, **changes: object) -> str:
    """The statements of a complete card for an item, as one text."""
    filled = fill_checklist(load_checklist(name), model_cards.full(**changes))
    (item,) = (one for one in filled if one.item.number == number)
    return "\n".join(item.lines)


def test_claim_has_its_44_items_in_order() -> None:
    assert [item.number for item in load_checklist("claim").items] == [str(n) for n in range(1, 45)]


def test_tripod_ai_has_its_27_items_and_their_52_sub_items_in_order() -> None:
    expected = [f"{n}{letter}" for n in range(1, 28) for letter in SUB_ITEMS.get(n, [""])]
    assert [item.number for item in load_checklist("tripod-ai").items] == expected
    assert len(expected) == 52


def test_every_file_is_a_checklist_with_a_name_for_the_command_line() -> None:
    assert checklist_names() == ["claim", "tripod-ai"]
    assert [load_checklist(name).name for name in checklist_names()] == ["CLAIM 2024", "TRIPOD+AI"]


@pytest.mark.parametrize("name", checklist_names())
def test_every_item_has_a_question_and_an_answer_from_the_card_or_the_authors(name: str) -> None:
    checklist = load_checklist(name)
    titles = [section.title for section in checklist.sections]
    assert len(titles) == len(set(titles))
    assert all(item.question and (item.authors or item.statements) for item in checklist.items)
    assert all(not item.authors.endswith(".") for item in checklist.items)


def test_every_statement_is_used() -> None:
    used = {name for key in checklist_names() for item in load_checklist(key).items for name in item.statements}
    assert used == set(STATEMENTS)


@pytest.mark.parametrize("name", checklist_names())
def test_an_older_card_leaves_blanks_and_no_empty_statements(name: str) -> None:
    for one in fill_checklist(load_checklist(name), model_cards.sparse()):
        assert one.lines or one.blank
        assert all(
            line.strip() and "None" not in line and "{}" not in line for line in one.lines if "None:" not in line
        )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("7", "figshare: slices; 130 images of 48 patients used; released: 3,064 images of 233 patient ids; CC BY"),
        ("7", "mine: 40 images, patients unknown used"),
        ("9", "8-bit gray values scaled to 0 to 1, minus 0.5, divided by 0.25, in three equal channels"),
        ("14", "The reference mask of the tumor is the mask that the data set gives"),
        ("19", f"SHA-256 of the split: {model_cards.HASH}"),
        ("19", "test: 40 images of 10 patients (glioma 25 images of 6 patients; no_tumor 15 images, patients unknown)"),
        ("20", "No known patient is in two subsets\nmine: no patient is known"),
        ("20", "A search for duplicates before training found no validation or test image in train"),
        ("22", "mini_resnet, 12 parameters: small\nOptions: stride 16"),
        ("24", "hub timm/x; the classifier, and weights missing there, at random, seed 7"),
        ("25", "optimizer: adamw, lr 0.0005"),
        ("26", "The epoch with the best val_dice was kept, 9 of 12"),
        ("29", "95 % intervals by bootstrap, 2000 resamples, seed 0\nSampling unit of the bootstrap: patient"),
        ("22", "Selective prediction: conformal prediction sets at a requested coverage per class"),
        ("30", "With the head occluded it guesses.\nOut-of-distribution images are flagged by distance"),
        ("31", "Heat maps by grad_cam, mask"),
        ("32", "Measured on figshare+mine, test subset: 40 images, 10 patients: used neither for training"),
        ("37", "accuracy: 90.0 % (80.0 to 95.0), 40 images, 10 patients"),
        ("38", "glioma: sensitivity 80.0 % (70.0 to 90.0), Dice 0.750 (0.700 to 0.800)"),
        ("39", "glioma: 20 of 25 images correctly classified, 5 predicted as no_tumor"),
        ("40", "Only 10 test patients.\nmine: no patient ids\nfigshare: Neighboring slices."),
        ("43", "Data set figshare: CC BY 4.0; Cheng 2017"),
    ],
)
def test_claim_states_the_facts_of_the_card(number: str, expected: str) -> None:
    assert expected in text_of("claim", number)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("12b", "divided by 0.25"),
        ("12c", "Reference: Someone 2020"),
        ("12g", "divided by the temperature 1.250"),
        ("13", "Class weights in the loss, inverse to the frequency of each class"),
        ("15", "The predicted class is the one with the highest probability"),
        ("21", "glioma 25 images of 6 patients"),
        ("23a", "calibration error (ECE) on the test subset: 0.200 (0.100 to 0.300) without temperature scaling"),
    ],
)
def test_tripod_ai_states_the_facts_of_the_card(number: str, expected: str) -> None:
    assert expected in text_of("tripod-ai", number)


def test_a_split_by_image_and_its_leaks_are_stated() -> None:
    leaky = model_cards.provenance(
        split=model_cards.TRAINING["split"] | {"by": "image_ignoring_patients"},
        leaks=[{"subset": "test", "by": "patient", "images": 30, "of": 40}],
    )
    text = text_of("claim", "20", training=leaky)
    assert "No image is in two subsets, but patients are: the split was by image on request" in text
    assert "test: 30 of 40 images leaked from train, by patient" in text
    assert "search for duplicates" not in text


def test_the_questions_are_short_and_in_our_own_words() -> None:
    for name in checklist_names():
        for item in load_checklist(name).items:
            assert len(item.question) < 80
            assert not re.search(r"\b(Describe|Specify|Report|Provide|Explain)\b", item.question)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\ncitation: y\ncounted: items\n", "sections: Field required"),
        (
            "name: x\ncitation: y\ncounted: items\n"
            "sections: [{title: t, items: [{number: '1', question: q, statements: [weather]}]}]",
            "statement 'weather' found; expected one of model_type, ",
        ),
        ("name: [", "while parsing"),
    ],
)
def test_a_file_that_is_no_checklist_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with assert_refused(TumorlensError, file=r"mine\.yaml$") as caught:
        read_checklist(tmp_path / "mine.yaml")
    assert message in caught.value.found
