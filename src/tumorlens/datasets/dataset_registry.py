"""files in sets/ and formats/ -> DATASETS: every file that defines `DATASET` is a data set, without a list."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

from tumorlens.datasets import formats, sets
from tumorlens.datasets.dataset_card import Dataset
from tumorlens.errors import DataError, did_you_mean


def discover(*packages: ModuleType) -> dict[str, Dataset]:
    """The data sets that the modules of these packages define as ``DATASET``.

    Args:
        packages: searched for modules, not recursively.

    Returns:
        By name, in ascending `Dataset.order`, which is the order in which `open_table` tries them on a folder.

    Raises:
        ValueError: two data sets of one name.
    """
    defined: list[Dataset] = []
    for package in packages:
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            dataset = getattr(import_module(module.name), "DATASET", None)
            if isinstance(dataset, Dataset):
                defined.append(dataset)
    defined.sort(key=lambda dataset: (dataset.order, dataset.card.name))
    datasets = {dataset.card.name: dataset for dataset in defined}
    if len(datasets) < len(defined):
        raise ValueError(f"two data sets of one name in {[dataset.card.name for dataset in defined]}")
    return datasets


DATASETS = discover(sets, formats)
"""Every data set by name, in the order in which a folder is tried."""


def dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises:
        DataError: unknown name; suggests the nearest one.
    """
    if name not in DATASETS:
        raise DataError(
            found=f"no data set is called '{name}'",
            expected=f"one of {', '.join(DATASETS)}",
            advice=did_you_mean(name, DATASETS),
        )
    return DATASETS[name]
