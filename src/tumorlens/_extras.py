"""Optional dependencies: import one, or raise one line that names its extra."""

from __future__ import annotations

import importlib
from types import ModuleType

from tumorlens.errors import MissingExtraError


def require(module: str, extra: str | None, purpose: str) -> ModuleType:
    """Import `module`, or raise an error that names the extra to install.

    Args:
        module: dotted module name, for example ``"h5py"``.
        extra: the extra of tumorlens that installs it, for example ``"audit"``; None for a package that tumorlens
            never installs.
        purpose: completes the sentence "is needed to ...".

    Raises:
        MissingExtraError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] != module.split(".")[0]:
            raise
        package = module.split(".")[0]
        raise MissingExtraError(
            found=f"{package} is needed to {purpose} and is not installed",
            advice="install it with: pip install " + (f'"tumorlens[{extra}]"' if extra else package),
        ) from None
