"""Whole heads: seven volumes of six people without a tumor, from the neck to the vertex."""

from __future__ import annotations

from pathlib import Path

from tumorlens.datasets.dataset_card import Dataset, DatasetCard
from tumorlens.datasets.table import Table
from tumorlens.datasets.volume_samples import NO_TUMOR, LeftOut, VolumeEntry, volume_planes, volume_samples
from tumorlens.errors import DataError

STEP = 4.0
"""Millimeters from one slice to the next: neighbors are nearly alike."""

_PEOPLE = {
    "fnndsc_adi_t1": ("fnndsc_adi", "T1"),
    "fnndsc_adi_t2": ("fnndsc_adi", "T2"),
    "philips_elition_t1": ("philips_elition", "T1"),
    "prisma_asl_t1": ("prisma_asl", "T1"),
    "prisma_crlab_t1": ("prisma_crlab", "T1"),
    "sag_anon_t1": ("sag_anon", "T1"),
    "uih_t1": ("uih", "T1"),
}


def read(folder: Path) -> Table:
    """The slices of all volumes: in all planes where the voxels are nearly cubes, else in that of the acquisition.

    Raises:
        DataError: a volume is missing, or none can be read.
    """
    left_out = LeftOut()
    entries = [
        VolumeEntry(
            id=f"whole_heads/{name}",
            image=_file(folder, name),
            label=NO_TUMOR,
            group=f"whole_heads:{person}",
            plane=plane,
            sequence=sequence,
            contrast=False,
            skull_stripped=False,
            step=STEP,
        )
        for name, (person, sequence) in _PEOPLE.items()
        for plane in volume_planes(_file(folder, name))
    ]
    samples = volume_samples(entries, left_out)
    note = f"whole_heads: one slice in {STEP:g} mm of each volume"
    return Table("whole_heads", samples, (NO_TUMOR,), (note, *left_out.notes("whole_heads")))


def _file(folder: Path, name: str) -> Path:
    file = folder / f"{name}.nii.gz"
    if not file.is_file():
        raise DataError(file=file, found="does not exist", expected="the seven volumes of the set")
    return file


DATASET = Dataset(
    DatasetCard(
        name="whole_heads",
        summary="whole heads of six people without a tumor, T1 and T2, from the neck to the vertex",
        images=None,
        patients=6,
        classes=("no_tumor",),
        format="NIfTI",
        layout=", ".join(f"{name}.nii.gz" for name in _PEOPLE),
        license="Apache-2.0, MIT or BSD-2, of the repositories that publish them",
        citation="open repositories of scanner and test data; scanners: Siemens Trio, Skyra and Prisma, UIH uMR 770, "
        "Philips Elition",
        problems=("Six people: no rate of false alarms can be concluded from them.", "One is a child."),
    ),
    read,
    lambda folder: all((folder / f"{name}.nii.gz").is_file() for name in _PEOPLE),
    order=54,
)
