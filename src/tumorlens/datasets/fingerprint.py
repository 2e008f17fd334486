"""One hash for the content of a data set, so that a result can name exactly what it was measured on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

from tumorlens.datasets.reference_masks import MaskLocation
from tumorlens.datasets.table import Table
from tumorlens.errors import DataError


def fingerprint(table: Table, *, masks: bool = False) -> str:
    """Hash of ids, labels and image bytes, 32 hexadecimal digits; splits do not count.

    Args:
        table: any.
        masks: whether masks count, with the bytes of their files: a result that no mask can change is told
            apart by images alone, one that they can change (a segmentation) by both.

    Raises:
        DataError: a file cannot be read; names it.
    """
    total = blake2b(digest_size=16)
    places = [MaskLocation.of(s.mask) if masks and s.mask else None for s in table.samples]
    files = list(dict.fromkeys(place.file for place in places if place))
    with ThreadPoolExecutor() as pool:
        drawn = dict(zip(files, pool.map(_content, files), strict=True))
        digests = pool.map(_content, (s.image for s in table.samples))
        for sample, place, digest in zip(table.samples, places, digests, strict=True):
            total.update(f"{sample.id}\n{sample.label}\n".encode() + digest)
            if place:
                total.update(f"{place.image}\n{place.turn}\n".encode() + drawn[place.file])
    return total.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return blake2b(path.read_bytes(), digest_size=16).digest()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); bring it back, or take it out of the table"
        ) from None
