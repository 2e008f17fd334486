"""file of annotations -> what its JSON holds, or one line that says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tumorlens.errors import DataError


def read_json(path: Path) -> Any:
    """Read JSON that somebody else wrote, with or without a byte order mark.

    Raises:
        DataError: the file cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check that it may be read") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is no JSON or damaged ({error}); export or copy it again") from None
