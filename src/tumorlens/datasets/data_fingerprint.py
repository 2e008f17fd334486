"""table -> one hash of its content, so that a result can identify exactly the data it was measured on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

from tumorlens.datasets.reference_masks import MaskLocation
from tumorlens.datasets.table import Table
from tumorlens.errors import DataError
from tumorlens.scan.slice_location import SliceLocation


def fingerprint(table: Table, *, masks: bool = False) -> str:
    """Hash of ids, labels and image bytes, 32 hexadecimal digits; splits do not count.

    Args:
        table: any.
        masks: whether the bytes of the mask files count. Results that masks cannot change are identified by the images
            alone, results that they can change (a segmentation) by both.

    Raises:
        DataError: a file cannot be read; names it.
    """
    total = blake2b(digest_size=16)
    locations = [MaskLocation.parse(s.mask) if masks and s.mask else None for s in table.samples]
    slices = [SliceLocation.parse(s.image) for s in table.samples]
    images = [s.image if one is None else one.file for s, one in zip(table.samples, slices, strict=True)]
    files = list(dict.fromkeys([*images, *(location.file for location in locations if location)]))
    with ThreadPoolExecutor() as pool:
        digests = dict(zip(files, pool.map(_content, files), strict=True))
    for sample, file, image, location in zip(table.samples, images, slices, locations, strict=True):
        total.update(f"{sample.id}\n{sample.label}\n{image.fragment if image else ''}".encode() + digests[file])
        if location:
            part = f"\n{location.slice.fragment}" if location.slice else ""
            total.update(f"{location.image}\n{location.dihedral}{part}\n".encode() + digests[location.file])
    return total.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return blake2b(path.read_bytes(), digest_size=16).digest()
    except OSError as error:
        raise DataError(
            file=path,
            found=f"cannot be read ({error.strerror})",
            advice="restore it, or remove it from the table",
        ) from None
