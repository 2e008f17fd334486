"""pydantic's first complaint -> where it is, what was found, and what was expected."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Container
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

# What pydantic and our validators put before the expectation, and what pydantic adds to it.
_AROUND = re.compile(r"^(?:\w+ should (?:be|have|contain) |expected )|, (?:unable to parse|got) .*$")


@dataclass(frozen=True)
class Complaint:
    """The first problem that pydantic reports.

    Attributes:
        kind: pydantic's name of it, such as ``"missing"``; ``"value_error"`` comes from one of our validators.
        where: keys and numbers that lead to the value; empty where the whole is meant.
        found: the value, shortened.
        expected: what pydantic expects instead, or what our validator says.
    """

    kind: str
    where: tuple[int | str, ...]
    found: str
    expected: str

    @property
    def path(self) -> str:
        """The place in one word, as ``"segmentation.0.3"``."""
        return ".".join(map(str, self.where))


def first_complaint(error: ValidationError, tags: Container[int | str] = ()) -> Complaint:
    """The first problem of a validation.

    Args:
        error: of a pydantic model.
        tags: names that pydantic puts into a place to say which type of a union it took, and that no file has.
    """
    first = error.errors(include_url=False)[0]
    kind, value, context = first["type"], first["input"], first.get("ctx", {})
    where = tuple(part for part in first["loc"] if part not in tags)
    expected = _AROUND.sub("", first["msg"].removeprefix("Value error, "))
    if kind.startswith("union_tag"):  # the value of the key that tells the types of a union apart
        where += (context["discriminator"].strip("'"),)
        value, expected = context.get("tag"), f"one of {context.get('expected_tags')}"
    if kind in ("model_type", "model_attributes_type"):
        expected = "an object"
    return Complaint("missing" if kind == "union_tag_not_found" else kind, where, reprlib.repr(value), expected)


def fault(error: ValidationError, tags: Container[int | str] = ()) -> str:
    """The first problem with an entry of a file, in words that follow the name of the entry."""
    complaint = first_complaint(error, tags)
    if complaint.kind == "value_error":
        return complaint.expected
    if complaint.kind == "missing":
        return f"lacks '{complaint.path}'"
    place = f"has {complaint.found} as '{complaint.path}'" if complaint.where else f"is {complaint.found}"
    return f"{place}, expected {complaint.expected}"
