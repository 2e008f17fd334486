"""Muslim 2022: single slices of patients with multiple sclerosis, T1, T2 and FLAIR; no tumors."""

from __future__ import annotations

import re

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.formats.slice_folder import SliceFolder
from tumorlens.datasets.slice_origin import AcquisitionFacts

FOLDER = SliceFolder(
    "muslim_ms",
    80,
    re.compile(r"(t1|t2|flair)_\d{6}"),
    {"patient": "patient code (first three digits, inferred)", "sequence": "sequence"},
    AcquisitionFacts(skull_stripped=False),
    (
        "muslim_ms: lesions of multiple sclerosis count as no_tumor",
        "muslim_ms: patients are inferred from the first three digits of the names",
    ),
)

DATASET = Dataset(
    DatasetCard(
        name="muslim_ms",
        summary="multiple sclerosis, T1, T2 and FLAIR, with skull",
        images=80,
        patients=43,
        classes=("no_tumor",),
        format="JPEG",
        layout="images/SEQUENCE_NNNNNN.jpg and slices.csv (image, patient code, sequence)",
        license="CC BY 4.0",
        citation="Muslim et al. 2022, Data in Brief 42:108139; Mendeley Data 8bctsm8jz7",
        homepage="https://data.mendeley.com/datasets/8bctsm8jz7",
        problems=("The patients are inferred from file names.",),
    ),
    FOLDER.read,
    FOLDER.recognizes,
    order=53,
)
