"""DICOM header, keyword -> value; of plain numbers and words without pydicom's objects, which take most of the time."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.tag import BaseTag

_PLAIN = {"US", "DS", "IS", "CS", "UI"}  # representations that need neither a character set nor a choice


def header_value(header: Dataset, keyword: str, default: Any = None) -> Any:
    """The value of an attribute.

    Args:
        header: of a file, or an item of a sequence; it is not changed where the value is plain.
        keyword: of the attribute.
        default: where the header has none.

    Returns:
        As ``header.get(keyword, default)``, but int, float and str in place of pydicom's own types, and a list of these
        where there are several.

    Raises:
        Exception: of any type from pydicom, where the value is damaged.

    Example:
        >>> from pydicom import examples
        >>> header_value(examples.mr, "Rows"), header_value(examples.mr, "PixelSpacing")
        (64, [0.3125, 0.3125])
    """
    tag, representation = _known(keyword)
    element: Any = header.get_item(tag)
    if element is None:
        return default
    raw, value = element.value, None
    if element.is_raw and raw and representation in _PLAIN and element.VR in (None, representation):
        value = _plain(raw, representation, element.is_little_endian)
    return header[tag].value if value is None else value


@cache
def _known(keyword: str) -> tuple[BaseTag, str]:
    """Tag and representation of an attribute."""
    from pydicom.datadict import dictionary_VR, tag_for_keyword
    from pydicom.tag import Tag

    number = tag_for_keyword(keyword)
    assert number is not None
    tag = Tag(number)
    return tag, dictionary_VR(tag)


def _plain(raw: bytes, representation: str, little_endian: bool) -> Any:
    """The value of these bytes; None where pydicom must judge them."""
    if representation == "US":
        return int.from_bytes(raw, "little" if little_endian else "big") if len(raw) == 2 else None
    if not raw.isascii():
        return None
    parts: list[Any] = raw.decode("ascii").rstrip(" \0").split("\\")
    if representation in ("DS", "IS"):
        convert = float if representation == "DS" else int
        try:
            parts = [convert(part) for part in parts]
        except ValueError:
            return None
    return parts[0] if len(parts) == 1 else parts
