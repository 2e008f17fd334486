"""open_ms_data: slices of clinical T1, T2 and FLAIR volumes of patients with multiple sclerosis; no tumors."""

from __future__ import annotations

import re

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.formats.slice_folder import SliceFolder
from tumorlens.datasets.slice_origin import AcquisitionFacts

FOLDER = SliceFolder(
    "open_ms",
    468,
    re.compile(r"patient\d+_study\d+_(T1W|T2W|FLAIR)_ax_\d+"),
    {"patient": "patient", "sequence": "sequence", "plane": "plane"},
    AcquisitionFacts(skull_stripped=False),
    ("open_ms: lesions of multiple sclerosis count as no_tumor",),
)

DATASET = Dataset(
    DatasetCard(
        name="open_ms",
        summary="multiple sclerosis, clinical T1, T2 and FLAIR, axial, with skull",
        images=468,
        patients=7,
        classes=("no_tumor",),
        format="JPEG",
        layout="images/patientNN_studyN_SEQUENCE_ax_NNN.jpg and slices.csv (image, patient, sequence, plane)",
        license="CC BY",
        citation="Lesjak et al. 2016, Neuroinformatics 14:403",
        homepage="https://github.com/muschellij2/open_ms_data",
        problems=("Seven patients: their slices say little about the next patient.", "Defaced."),
    ),
    FOLDER.read,
    FOLDER.recognizes,
    order=52,
)
