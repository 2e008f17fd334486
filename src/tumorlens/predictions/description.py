"""YAML file -> description of another tool, checked key by key."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from tumorlens._validation import first_complaint
from tumorlens.errors import DataError

Description = TypeVar("Description", bound=BaseModel)


def read_yaml(path: Path, kind: type[Description]) -> Description:
    """Read a description.

    Args:
        path: of the file.
        kind: of the description.

    Raises:
        DataError: no YAML, a key is missing or unknown, or a value is not one of those that are allowed.
    """
    try:
        return kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(file=path, found=f"cannot be read as YAML ({str(error).splitlines()[0]})") from None
    except ValidationError as error:
        complaint = first_complaint(error)
        missing = complaint.kind == "missing"
        raise DataError(
            file=path,
            found=f"no key '{complaint.path}'" if missing else f"{complaint.found} as '{complaint.path}'",
            expected="this key" if missing else complaint.expected,
            advice="the keys are described in the how-to page on other tools",
        ) from None
