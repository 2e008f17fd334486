"""SOOP: slices of skull-stripped FLAIR volumes with acute strokes, in three planes; no tumors."""

from __future__ import annotations

import re

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.formats.slice_folder import SliceFolder
from tumorlens.datasets.slice_origin import AcquisitionFacts

FOLDER = SliceFolder(
    "soop",
    1761,
    re.compile(r"sub-\d+_(axial|coronal|sagittal)"),
    {"patient": "patient", "plane": "plane"},
    AcquisitionFacts(sequence="FLAIR", contrast=False, skull_stripped=True),
    ("soop: acute strokes count as no_tumor",),
)

DATASET = Dataset(
    DatasetCard(
        name="soop",
        summary="acute stroke, FLAIR, skull-stripped, one slice of each plane",
        images=1761,
        patients=584,
        classes=("no_tumor",),
        format="JPEG",
        layout="images/sub-N_PLANE.jpg and slices.csv (image, patient, plane)",
        license="CC0",
        citation="Absher et al. 2024, Scientific Data 11:839; OpenNeuro ds004889",
        homepage="https://openneuro.org/datasets/ds004889",
        problems=(
            "Strokes are lesions that are no tumors: negatives for a tumor, not healthy people.",
            "Skull-stripped, and in standard space: all of its slices look alike, which a network can learn.",
        ),
    ),
    FOLDER.read,
    FOLDER.recognizes,
    order=51,
)
