"""One hash for the content of a data set, so that a result can name exactly what it was measured on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

from tumorlens.datasets.types import Table
from tumorlens.errors import DataError


def fingerprint(table: Table) -> str:
    """Hash of ids, labels and picture bytes, 32 hexadecimal digits; masks and splits do not count.

    Raises:
        DataError: a picture cannot be read; names it.
    """
    total = blake2b(digest_size=16)
    with ThreadPoolExecutor() as pool:
        digests = pool.map(_content, (s.image for s in table.samples))
        for sample, digest in zip(table.samples, digests, strict=True):
            total.update(f"{sample.id}\n{sample.label}\n".encode() + digest)
    return total.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return blake2b(path.read_bytes(), digest_size=16).digest()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); bring it back, or take it out of the table"
        ) from None
