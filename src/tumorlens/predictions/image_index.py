"""Name of an image in the files of another tool -> the sample of a table that it means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from tumorlens.datasets import Sample
from tumorlens.errors import DataError

_Parts = tuple[str, ...]


class ImageIndex:
    """Finds samples by id, by path, by file name, and by each of these without its ending.

    A name means a sample if it is the end of the sample's path, as ``"a.png"`` and ``"images/a.png"`` are, or ends with
    the whole path of the sample inside its data set, as a path on another machine does.

    Args:
        samples: of a table.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples
        self._by_file: dict[str, list[int]] = defaultdict(list)
        self._ids = {sample.id: i for i, sample in enumerate(samples)}
        self._paths = [_ways(sample) for sample in samples]
        for i, ways in enumerate(self._paths):
            for name in {end for way in ways for end in (way[-1], PurePosixPath(way[-1]).stem)}:
                self._by_file[name].append(i)

    def find(self, name: str) -> int | None:
        """The position of the sample; None where there is none.

        Raises:
            DataError: the name means several samples.
        """
        text = name.replace("\\", "/")
        if text in self._ids:
            return self._ids[text]
        parts = tuple(part for part in PurePosixPath(text).parts if part not in ("/", "."))
        if not parts:
            return None
        found = [i for i in self._by_file.get(parts[-1], ()) if any(_means(parts, way) for way in self._paths[i])]
        if len(found) > 1:
            first, second = (self._samples[i].id for i in found[:2])
            raise DataError(
                found=f"'{name}' means {len(found)} images, {first} and {second}",
                expected="a name of one image",
                advice="give more of the path, or the id",
            )
        return found[0] if found else None


def _ways(sample: Sample) -> tuple[_Parts, _Parts]:
    """The path on this machine, and the path inside of the data set."""
    return sample.image.absolute().parts[1:], PurePosixPath(sample.id.partition("/")[2] or sample.id).parts


def _means(name: _Parts, path: _Parts) -> bool:
    """Whether one is the end of the other, with or without the ending of the file."""
    stems = (*path[:-1], PurePosixPath(path[-1]).stem)
    return any(name[-len(way) :] == way or way[-len(name) :] == name for way in (path, stems))
