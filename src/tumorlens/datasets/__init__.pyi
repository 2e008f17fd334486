"""The names of tumorlens.datasets: type checkers read them, and `lazy_loader` loads them on first use."""

from .data_fingerprint import fingerprint as fingerprint
from .dataset_card import Dataset as Dataset
from .dataset_card import DatasetCard as DatasetCard
from .dataset_registry import DATASETS as DATASETS
from .dataset_registry import dataset as dataset
from .formats.csv_table import read_table as read_table
from .formats.csv_table import write_table as write_table
from .reference_masks import MaskLocation as MaskLocation
from .reference_masks import load_mask as load_mask
from .reference_masks import read_sample_mask as read_sample_mask
from .slice_origin import AcquisitionFacts as AcquisitionFacts
from .slice_origin import SliceOrigin as SliceOrigin
from .table import DUPLICATES_PREFIX as DUPLICATES_PREFIX
from .table import SPLITS as SPLITS
from .table import VOLUME_PREFIX as VOLUME_PREFIX
from .table import Sample as Sample
from .table import SplitLevel as SplitLevel
from .table import SplitPlan as SplitPlan
from .table import Table as Table
from .table import check_groups as check_groups
from .table import pool as pool
from .table_source import open_table as open_table
from .table_source import open_tables as open_tables
from .unannotated import UNANNOTATED as UNANNOTATED
from .unannotated import Unannotated as Unannotated
