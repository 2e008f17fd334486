"""names of NIfTI files -> which is a mask, of which volume, and what sequence it is.

Known habits: `X_mask`, `X_seg` and `X-label` beside `X`; folders of images and of labels; nnU-Net (`imagesTr/X_0000`,
`labelsTr/X`); BraTS (`X_t1ce` or `X-t1c` and three others beside `X_seg` or `X-seg`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

SUFFIXES = (".nii", ".nii.gz", ".hdr")
"""Of NIfTI files; the `.img` of a pair is named by its `.hdr`."""

AFTER_CONTRAST = "T1 after contrast"

_MASK_FOLDER = re.compile(r"(?:labels?|masks?|segs?|segmentations?|annotations?)(tr|ts)?", re.IGNORECASE)
_IMAGE_FOLDER = re.compile(r"(?:images?|imgs?|volumes?|scans?)(tr|ts)?", re.IGNORECASE)
_PARTS = "mask|seg|labels?|segmentation|roi|lesion|tumou?r"
_MASK_END = re.compile(rf"(?:^|[_\-. ])(?:{_PARTS})(?:[_\-. ]?(?:{_PARTS}))*$", re.IGNORECASE)
_BRAIN_MASK = re.compile(r"(brain|bet|skull|head|hd)[_\-. ]?(mask|seg|roi)$", re.IGNORECASE)
_CHANNEL = re.compile(r"_\d{4}$")
_SEQUENCES = (
    (r"t1[_\-]?(?:w[_\-]?)?(?:c|ce|gd|gad|post|km|\+c)|ce[_\-]?t1w?|t1[_\-]contrast", AFTER_CONTRAST, True),
    (r"t1n|t1[_\-]?pre|t1[_\-]?native", "T1", False),
    (r"t1w?", "T1", None),
    (r"t2[_\-]?(?:f|flair)|flair", "FLAIR", None),
    (r"t2w?", "T2", None),
)
_BRATS_LABELS = {"_": (1, 4), "-": (1, 3)}  # core and enhancing tumor until 2021, and since 2023; 2 is edema


@dataclass(frozen=True)
class NamedSequence:
    """What the name of a file says about the sequence."""

    name: str | None = None
    contrast: bool | None = None


@dataclass(frozen=True)
class NiftiPair:
    """A volume, perhaps with a mask.

    Attributes:
        image: path inside the folder.
        mask: likewise; None without one.
        case: name without the parts that tell files of one head apart.
        sequence: as the name says.
        mask_labels: that count as tumor; empty for all but 0.
    """

    image: PurePosixPath
    mask: PurePosixPath | None
    case: str
    sequence: NamedSequence
    mask_labels: tuple[int, ...] = ()


def stem_of(path: PurePosixPath) -> str:
    """The name of a file without the suffixes of NIfTI."""
    return re.sub(r"\.(nii(\.gz)?|hdr|img(\.gz)?)$", "", path.name, flags=re.IGNORECASE)


def is_nifti_name(name: str) -> bool:
    """Whether a file is called like a NIfTI file; hidden files are not."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def sequence_of(stem: str) -> NamedSequence:
    """The sequence that the last words of a name state.

    Example:
        >>> from tumorlens.datasets.formats.nifti_names import sequence_of
        >>> sequence_of("BraTS-GLI-00000-000-t1c"), sequence_of("head")
        (NamedSequence(name='T1 after contrast', contrast=True), NamedSequence(name=None, contrast=None))
    """
    for pattern, name, contrast in _SEQUENCES:
        if re.search(rf"(?:^|[_\-. ])(?:{pattern})$", stem, re.IGNORECASE):
            return NamedSequence(name, contrast)
    return NamedSequence()


def pair_names(
    names: Iterable[PurePosixPath], channels: Mapping[str, str] | None = None
) -> tuple[list[NiftiPair], Counter[str]]:
    """Find the masks among the files of a folder, and the volume of each.

    Of several volumes of one mask, the T1 after contrast is taken; where no name tells which one that is, all are left
    out.

    Args:
        names: paths of NIfTI files inside the folder.
        channels: of nnU-Net's dataset.json: number of a channel -> its name.

    Returns:
        Pairs, sorted by image, and how many files are left out, by reason.
    """
    images: defaultdict[str, list[PurePosixPath]] = defaultdict(list)
    masks: defaultdict[str, dict[str, PurePosixPath]] = defaultdict(dict)
    left_out: Counter[str] = Counter()
    for path in sorted(names):
        place, in_masks, in_images = _place(path)
        stem = stem_of(path)
        if _BRAIN_MASK.search(stem):
            left_out["a mask of the brain, not of a tumor"] += 1
        elif in_masks or (not in_images and _MASK_END.search(stem)):
            key = stem if in_masks else _MASK_END.sub("", stem)
            if key in masks[place]:
                left_out["a second mask of one volume"] += 1
            masks[place].setdefault(key, path)
        else:
            images[place].append(path)
    pairs: list[NiftiPair] = []
    for place in sorted({*images, *masks}):
        of_mask: defaultdict[str, list[PurePosixPath]] = defaultdict(list)
        for path in images[place]:
            fitting = [key for key in masks[place] if _belongs(stem_of(path), key)]
            if fitting:
                of_mask[max(fitting, key=len)].append(path)
            else:
                pairs.append(NiftiPair(path, None, stem_of(path), sequence_of(stem_of(path))))
        left_out["a mask without a volume"] += len(masks[place]) - len(of_mask)
        for key, found in of_mask.items():
            if (pair := _chosen(found, masks[place][key], key, channels or {})) is None:
                left_out["several volumes of one mask, and no name says which is T1 after contrast"] += len(found)
                continue
            pairs.append(pair)
            left_out["another sequence of a head whose T1 after contrast is in the table"] += len(found) - 1
    return sorted(pairs, key=lambda pair: str(pair.image)), +left_out


def _place(path: PurePosixPath) -> tuple[str, bool, bool]:
    """The folder of a file, equal for folders of images and of masks beside each other, and which one it is in."""
    parts, in_masks, in_images = list(path.parent.parts), False, False
    for i, part in enumerate(parts):
        mask, image = _MASK_FOLDER.fullmatch(part), _IMAGE_FOLDER.fullmatch(part)
        if match := mask or image:
            parts[i] = f"*{(match[1] or '').lower()}"
            in_masks, in_images = in_masks or mask is not None, in_images or image is not None
    return "/".join(parts), in_masks, in_images and not in_masks


def _belongs(image: str, key: str) -> bool:
    return not key or image == key or (image.startswith(key) and image[len(key)] in "_-. ")


def _chosen(found: list[PurePosixPath], mask: PurePosixPath, key: str, channels: Mapping[str, str]) -> NiftiPair | None:
    """The T1 after contrast of the volumes of a mask, or the only one; None where it is not clear."""
    sequences = [_named(path, channels) for path in found]
    case = key or mask.parent.name or stem_of(mask)
    if len(found) == 1:
        return NiftiPair(found[0], mask, case, sequences[0])
    candidates = [i for i, one in enumerate(sequences) if one.name == AFTER_CONTRAST]
    if len(candidates) != 1:
        return None
    labels: tuple[int, ...] = ()
    if {"T1", "T2", "FLAIR"} <= {one.name for one in sequences}:  # BraTS
        labels = _BRATS_LABELS.get(stem_of(mask)[len(key) : len(key) + 1], ())
    return NiftiPair(found[candidates[0]], mask, case, sequences[candidates[0]], labels)


def _named(path: PurePosixPath, channels: Mapping[str, str]) -> NamedSequence:
    stem = stem_of(path)
    if _CHANNEL.search(stem):
        return sequence_of(channels.get(str(int(stem[-4:])), ""))
    return sequence_of(stem)
