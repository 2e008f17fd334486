"""Name of a mask file of another tool -> the volume of a table that it means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tumorlens.datasets import Sample
from tumorlens.datasets.formats.nifti_names import sequence_of, stem_of
from tumorlens.predictions.image_index import ImageIndex

_MASK_WORDS = re.compile(r"[_\-. ](?:pred(?:iction)?|mask|seg(?:mentation)?|labels?)$", re.IGNORECASE)
_CHANNEL = re.compile(r"_\d{4}$")  # of nnU-Net: its predictions have no channel in their names
_SEQUENCE = re.compile(r"[_\-][^_\-]+$")


class VolumeIndex:
    """Finds volumes by the path of their file, whole or its end, without the suffixes of NIfTI.

    What tools leave out or add is left out, too: ``_0000`` of nnU-Net, the sequence in names as of BraTS, and ``_seg``,
    ``_mask``, ``_pred`` and the like behind the name of a mask.

    Args:
        volumes: one sample of each volume, with the file of the volume as image, or the folder of its DICOM files.
    """

    def __init__(self, volumes: Sequence[Sample]) -> None:
        plain = [_renamed(sample, stem_of(PurePosixPath(sample.image.name))) for sample in volumes]
        short = [_renamed(sample, _short(sample.image.name)) for sample in plain]
        self._indexes = [ImageIndex(plain), ImageIndex(short)]

    def find(self, name: str) -> int | None:
        """The position of the volume; None where there is none.

        Args:
            name: path of a mask inside its folder.

        Raises:
            DataError: the name means several volumes.
        """
        path = PurePosixPath(name)
        stem = stem_of(path)
        names = dict.fromkeys((stem, _MASK_WORDS.sub("", stem)))
        for index in self._indexes:
            for one in names:
                if (found := _find(index, path.with_name(one))) is not None:
                    return found
        return None


def _find(index: ImageIndex, path: PurePosixPath) -> int | None:
    """By the whole path, and where that is none of a volume, by the name alone."""
    found = index.find(path.as_posix())
    return index.find(path.name) if found is None and len(path.parts) > 1 else found


def _short(stem: str) -> str:
    bare = _CHANNEL.sub("", stem)
    return _SEQUENCE.sub("", bare) if sequence_of(bare).name and _SEQUENCE.search(bare) else bare


def _renamed(sample: Sample, stem: str) -> Sample:
    """The volume under another name, as `ImageIndex` looks for it; ids of DICOM hold no name of a file and stay."""
    if stem_of(PurePosixPath(sample.image.name)) == sample.image.name:
        return replace(sample, image=sample.image.with_name(stem))
    head, _, _ = sample.id.rpartition("/")
    return replace(sample, id=f"{head}/{stem}" if head else stem, image=sample.image.with_name(stem))


def volume_sample(id: str, file: Path) -> Sample:
    """A volume as `VolumeIndex` takes it."""
    return Sample(id=id, image=file, label="")
