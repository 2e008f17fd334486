"""The first complaint of pydantic names the place, what was found and what was expected."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, field_validator

from tumorlens._validation import fault, first_complaint


class Part(BaseModel):
    sizes: list[int]

    @field_validator("sizes")
    @classmethod
    def _are_two(cls, sizes: list[int]) -> list[int]:
        if len(sizes) != 2:
            raise ValueError("has three sizes, expected two")
        return sizes


class Whole(BaseModel):
    part: Part


def _error(value: Any) -> ValidationError:
    with pytest.raises(ValidationError) as error:
        Whole.model_validate(value)
    return error.value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"part": {"sizes": [1, "x"]}}, "has 'x' as 'part.sizes.1', expected a valid integer"),
        ({"part": {"sizes": [1, 2.5]}}, "has 2.5 as 'part.sizes.1', expected a valid integer"),
        ({"part": {}}, "lacks 'part.sizes'"),
        ({"part": 7}, "has 7 as 'part', expected an object"),
        ([], "is [], expected an object"),
        ({"part": {"sizes": [1, 2, 3]}}, "has three sizes, expected two"),
    ],
)
def test_a_fault_says_where_what_and_what_instead(value: Any, expected: str) -> None:
    assert fault(_error(value)) == expected


def test_names_that_no_file_has_are_left_out_of_the_place() -> None:
    assert first_complaint(_error({"part": {}}), tags=("part",)).where == ("sizes",)


def test_a_long_value_is_shortened() -> None:
    assert len(first_complaint(_error({"part": {"sizes": "x" * 1000}})).found) < 50
