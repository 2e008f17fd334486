"""table -> one hash of its content, so that a result can identify exactly the data it was measured on."""

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
        masks: whether the bytes of the mask files count. Results that masks cannot change are identified by the images
            alone, results that they can change (a segmentation) by both.

    Raises:
        DataError: a file cannot be read; names it.
    """
    total = blake2b(digest_size=16)
    locations = [MaskLocation.parse(s.mask) if masks and s.mask else None for s in table.samples]
    files = list(dict.fromkeys(location.file for location in locations if location))
    with ThreadPoolExecutor() as pool:
        mask_digests = dict(zip(files, pool.map(_content, files), strict=True))
        digests = pool.map(_content, (s.image for s in table.samples))
        for sample, location, digest in zip(table.samples, locations, digests, strict=True):
            total.update(f"{sample.id}\n{sample.label}\n".encode() + digest)
            if location:
                total.update(f"{location.image}\n{location.dihedral}\n".encode() + mask_digests[location.file])
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
