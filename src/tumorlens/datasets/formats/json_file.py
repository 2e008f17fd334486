"""JSON file of annotations -> its content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tumorlens.errors import DataError


def read_json(path: Path) -> Any:
    """Read a JSON file of any origin, with or without a byte order mark.

    Raises:
        DataError: the file cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(
            file=path, found=f"cannot be read ({error.strerror or error})", advice="check that it may be read"
        ) from None
    except (ValueError, RecursionError) as error:
        raise DataError(
            file=path, found=f"is not JSON or damaged ({error})", advice="export or copy it again"
        ) from None
