"""Folders -> tables: public data sets, any folder with class folders, any CSV table, and synthetic phantoms."""

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.dataset_registry import DATASETS, dataset
from tumorlens.datasets.fingerprint import fingerprint
from tumorlens.datasets.formats.csv_table import read_table, write_table
from tumorlens.datasets.reference_masks import MaskLocation, load_mask, read_sample_mask
from tumorlens.datasets.slice_origin import SliceOrigin
from tumorlens.datasets.table import (
    DUPLICATES_PREFIX,
    SPLITS,
    VOLUME_PREFIX,
    Sample,
    SplitLevel,
    SplitPlan,
    Table,
    check_groups,
    pool,
)
from tumorlens.datasets.table_source import open_table, open_tables
from tumorlens.datasets.unannotated import UNANNOTATED, Unannotated

__all__ = [
    "DATASETS",
    "DUPLICATES_PREFIX",
    "SPLITS",
    "UNANNOTATED",
    "VOLUME_PREFIX",
    "Dataset",
    "DatasetCard",
    "MaskLocation",
    "Sample",
    "SliceOrigin",
    "SplitLevel",
    "SplitPlan",
    "Table",
    "Unannotated",
    "check_groups",
    "dataset",
    "fingerprint",
    "load_mask",
    "open_table",
    "open_tables",
    "pool",
    "read_sample_mask",
    "read_table",
    "write_table",
]
