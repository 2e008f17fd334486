"""file -> DICOM header now, stored pixels when they are asked for.

Only the elements before the pixels are read at first; the pixels of one frame are read and decoded on demand.
"""

from __future__ import annotations

import io
import logging
import math
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

import numpy as np

from tumorlens.errors import MissingExtraError, ScanError
from tumorlens.scan.content import FileContent
from tumorlens.scan.dicom.header_value import header_value
from tumorlens.scan.types import Pixels

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.tag import BaseTag

MAX_FRAME_PIXELS = 2**26
"""Maximum number of pixels in one frame: 8192 x 8192."""

MAX_INFLATED_BYTES = 2**30
"""Maximum size of a file with a deflated data set after inflation: 1 GiB."""

_PIXEL_TAGS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
_FIRST_PIXEL_TAG = min(_PIXEL_TAGS)
_DEFLATED, _IMPLICIT, _BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
_EXPLICIT = "1.2.840.10008.1.2.1"
_NATIVE = {_IMPLICIT, _EXPLICIT, _DEFLATED, _BIG_ENDIAN}
_RLE = "1.2.840.10008.1.2.5"
_RLE_FACTOR = 64  # bytes of an image from one byte: two bytes stand for at most 128
_JPEG_LS = {"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"}
_LOSSLESS_JPEG = {"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"}
_LONG_LENGTHS = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN"}  # 32-bit length after two reserved bytes


@dataclass(frozen=True, eq=False)
class DicomFile:
    """The header of a DICOM file, and where its pixels are.

    Attributes:
        content: of the file.
        header: all elements before the pixels, and those of the file header as `file_meta`.
        syntax: UID of the transfer syntax.
        pixels_at: position of the pixel element; None where the file has none.
        keyword: of the pixel element: ``"PixelData"``, or another one for floats.
        vr: value representation of the pixel element.
        pixel_bytes: from the value of the pixel element to the end of the file.
    """

    content: FileContent
    header: Dataset
    syntax: str
    pixels_at: int | None = None
    keyword: str = ""
    vr: str = "OW"
    pixel_bytes: int = 0

    @cached_property
    def missing_bytes(self) -> int:
        """How many bytes of uncompressed pixels the file ends too early; 0 where it is complete or compressed."""
        if self.pixels_at is None or self.syntax not in _NATIVE:
            return 0
        sizes = (whole(header_value(self.header, name)) for name in ("Rows", "Columns", "BitsAllocated"))
        return max(0, self.frames * math.prod(sizes) // 8 - self.pixel_bytes)

    @cached_property
    def frames(self) -> int:
        """Number of frames that the header states; 1 where it states none."""
        return max(1, whole(header_value(self.header, "NumberOfFrames"), 1))

    def stored(self, index: int = 0) -> Pixels:
        """The stored values of one frame, decoded, before any rescaling.

        Args:
            index: of the frame, counted from 0.

        Returns:
            (H, W), integers.

        Raises:
            ScanError: the pixels are incomplete or cannot be decoded.
            MissingExtraError: they need a decoder that is not installed.
        """
        self._check_header(index)
        if (plain := self._plain_format()) is not None:
            return self._plain_pixels(index, *plain)
        from pydicom.pixels.decoders.base import get_decoder
        from pydicom.pixels.utils import as_pixel_options

        try:
            with quiet():
                decoder = get_decoder(self.syntax)
                available = decoder.is_available
        except NotImplementedError:
            raise self._error(f"is compressed by the unknown transfer syntax {self.syntax}") from None
        if not available:
            raise self._no_decoder()
        options = {**as_pixel_options(self.header), "pixel_keyword": self.keyword, "pixel_vr": self.vr}
        options["number_of_frames"] = self.frames
        with self.content.open() as stream, quiet():
            self._go_to_pixels(stream, index)
            if self.syntax in _JPEG_LS:
                self._check_jpeg_ls(stream, index)
            try:
                pixels, _ = decoder.as_array(cast(Any, stream), index=index, raw=True, **options)
            except BaseException as error:  # decoders raise what they like on damaged data; those in Rust no Exception
                if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                    raise
                raise self._error(f"has pixels that cannot be decoded ({first_line(error)})") from error
        return np.asarray(pixels)

    def _plain_format(self) -> tuple[np.dtype[Any], int] | None:
        """Type of the stored values and their unused bits, where they need no decoder; None where pydicom decodes."""
        if self.syntax not in (_EXPLICIT, _IMPLICIT, _DEFLATED):
            return None
        names = ("BitsAllocated", "BitsStored", "PixelRepresentation", "SamplesPerPixel", "PhotometricInterpretation")
        allocated, stored, signed, samples, kind = (header_value(self.header, name) for name in names)
        if allocated not in (8, 16) or samples != 1 or signed not in (0, 1) or not isinstance(stored, int):
            return None
        if not 0 < stored <= allocated or kind not in ("MONOCHROME1", "MONOCHROME2"):
            return None
        return np.dtype(f"<{'i' if signed else 'u'}{allocated // 8}"), allocated - stored

    def _plain_pixels(self, index: int, dtype: np.dtype[Any], unused_bits: int) -> Pixels:
        """One frame of uncompressed values; unused bits are cleared as pydicom clears them."""
        size = header_value(self.header, "Rows"), header_value(self.header, "Columns")
        length = size[0] * size[1] * dtype.itemsize
        with self.content.open() as stream:
            self._go_to_pixels(stream, index)
            stream.seek(index * length, io.SEEK_CUR)
            data = stream.read(length)
        if len(data) < length:
            raise self._error(f"is cut off: {len(data):,} of {length:,} bytes of the pixels of a frame")
        pixels = np.frombuffer(data, dtype).reshape(size)
        return (pixels << unused_bits) >> unused_bits if unused_bits else pixels

    def _check_header(self, index: int) -> None:
        """Check what the header says about the pixels, before any memory is taken.

        Raises:
            ScanError: it cannot be true.
        """
        header = self.header
        if self.pixels_at is None or self.keyword != "PixelData":
            raise self._error("holds no gray values" if self.pixels_at is None else "holds floating point pixels")
        if not 0 <= index < self.frames:
            raise self._error(f"has {self.frames} frames; frame {index + 1} was asked for")
        rows, columns, bits = (whole(header_value(header, name)) for name in ("Rows", "Columns", "BitsAllocated"))
        if not 0 < rows * columns <= MAX_FRAME_PIXELS or bits not in (8, 16, 32):
            raise self._error(f"has frames of {rows} x {columns} pixels with {bits} bits")
        if self.syntax == _RLE and rows * columns * bits // 8 > _RLE_FACTOR * self.pixel_bytes:
            raise self._error(f"has frames of {rows} x {columns} pixels, and too few bytes for one")

    def _check_jpeg_ls(self, stream: BinaryIO, index: int) -> None:
        """Check that a frame is complete: CharLS takes many seconds for one that is cut off.

        Raises:
            ScanError: it is cut off, or of another size.
        """
        from pydicom.encaps import get_frame

        start = stream.tell()
        try:
            frame = get_frame(stream, index, number_of_frames=self.frames)
        except Exception as error:  # pydicom raises many types on damaged data
            raise self._error(f"has pixels that cannot be decoded ({first_line(error)})") from error
        stream.seek(start)
        if not frame.rstrip(b"\0").endswith(b"\xff\xd9"):
            raise self._error("is cut off: its JPEG-LS image has no end")
        at = frame.find(b"\xff\xf7")  # start of frame: length, precision, height, width
        size = int.from_bytes(frame[at + 5 : at + 7], "big"), int.from_bytes(frame[at + 7 : at + 9], "big")
        if at < 0 or size != (self.header.Rows, self.header.Columns):
            raise self._error(f"has a JPEG-LS image of {size[0]} x {size[1]} pixels, which is not that of its header")

    def _go_to_pixels(self, stream: BinaryIO, index: int) -> None:
        """Move to the value of the pixel element: after tag, representation and length.

        Raises:
            ScanError: the file ends before the frame does.
        """
        assert self.pixels_at is not None
        stream.seek(self.pixels_at + 4)
        start = self.pixels_at + (12 if self.syntax != _IMPLICIT and stream.read(2) in _LONG_LENGTHS else 8)
        if self.syntax in _NATIVE:
            size = math.prod(header_value(self.header, name) for name in ("Rows", "Columns", "BitsAllocated")) // 8
            if self.pixel_bytes < (index + 1) * size:
                raise self._error(f"is cut off: {self.pixel_bytes:,} of {(index + 1) * size:,} bytes of pixels")
        stream.seek(start)

    def _no_decoder(self) -> Exception:
        from pydicom.uid import UID

        name = UID(self.syntax).name
        if self.syntax in _LOSSLESS_JPEG:
            return MissingExtraError(
                found=f"python-gdcm is needed to decode {self.content.path.name} ({name}) and is not installed",
                advice='install it with: pip install "tumorlens[dicom]"',
            )
        return self._error(f"is compressed by {name}, for which there is no decoder")

    def _error(self, found: str) -> ScanError:
        return ScanError(
            self.content.path,
            found,
            "copy or export it again",
            expected="a DICOM file with gray values of 8 to 32 bits",
        )


def read_dicom_file(content: FileContent) -> DicomFile:
    """Read the header of a DICOM file, with or without a preamble.

    Raises:
        ScanError: it is no DICOM file, or its header is damaged.
    """
    with content.open() as stream, quiet():
        try:
            return _read(content, stream)
        except ScanError:
            raise
        except Exception as error:  # pydicom raises many types on damaged data
            raise _damaged(content, first_line(error)) from error


def _drop_unknown(header: Dataset) -> None:
    """Remove elements whose representation the standard does not know: reading one of them raises an error, later.

    Args:
        header: and the items of its sequences, changed in place.
    """
    from pydicom.dataset import Dataset

    known = _representations()
    unknown = []
    element: Any
    for element in list(header.values()):
        tag, kind = element.tag, element.VR
        if element.is_raw:
            if kind is not None and kind not in known:
                unknown.append(tag)
                continue
            if kind != "SQ":
                continue
            element = header[tag]
        for item in element.value if kind == "SQ" else ():
            if isinstance(item, Dataset):
                _drop_unknown(item)
    for tag in unknown:
        del header[tag]


@cache
def _representations() -> frozenset[str]:
    """The representations of values that the standard knows."""
    from pydicom.valuerep import VR

    return frozenset(str(one.value) for one in VR)


def _read(content: FileContent, stream: BinaryIO) -> DicomFile:
    from pydicom.filereader import read_dataset

    if stream.read(132)[128:] != b"DICM":
        stream.seek(0)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
    syntax = str(meta.get("TransferSyntaxUID") or "") or _guessed_syntax(stream)
    if syntax == _DEFLATED:
        content = FileContent(content.path, _inflated(content, stream))
        stream = content.open()
    header = read_dataset(stream, syntax == _IMPLICIT, syntax != _BIG_ENDIAN, stop_when=_at_pixels)
    _drop_unknown(header)
    if not len(header):
        raise _damaged(content, "it has no element")
    from pydicom.dataset import FileMetaDataset

    header.file_meta = FileMetaDataset(meta)
    header.set_original_encoding(syntax == _IMPLICIT, syntax != _BIG_ENDIAN)
    place = stream.tell()
    first = stream.read(6)
    keyword = _PIXEL_TAGS.get(_tag(first, big_endian=syntax == _BIG_ENDIAN))
    if keyword is None:
        return DicomFile(content, header, syntax)
    vr = "OW" if syntax == _IMPLICIT else first[4:6].decode("latin-1")
    header_bytes = 12 if vr.encode() in _LONG_LENGTHS and syntax != _IMPLICIT else 8
    rest = stream.seek(0, io.SEEK_END) - place - header_bytes
    return DicomFile(content, header, syntax, place, keyword, vr, rest)


def _at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
    return int(tag) >= _FIRST_PIXEL_TAG


def _guessed_syntax(stream: BinaryIO) -> str:
    """The transfer syntax of a file that states none, from its first element."""
    head = stream.read(6)
    stream.seek(-len(head), io.SEEK_CUR)
    if not (head[4:6].isalpha() and head[4:6].isupper()):
        return _IMPLICIT
    return _BIG_ENDIAN if int.from_bytes(head[:2], "little") >= 1024 else _EXPLICIT


def _inflated(content: FileContent, stream: BinaryIO) -> bytes:
    """The data set of a deflated file, at most `MAX_INFLATED_BYTES`."""
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    data = inflate.decompress(stream.read(), MAX_INFLATED_BYTES)
    if inflate.unconsumed_tail:
        raise ScanError(content.path, f"holds more than {MAX_INFLATED_BYTES:,} bytes after inflation")
    return data


def _tag(head: bytes, *, big_endian: bool) -> int:
    order: Literal["big", "little"] = "big" if big_endian else "little"
    return int.from_bytes(head[:2], order) << 16 | int.from_bytes(head[2:4], order)


def whole(value: Any, default: int = 0) -> int:
    """A whole number of the header; `default` where it is missing or none."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return default


def _damaged(content: FileContent, reason: str) -> ScanError:
    return ScanError(content.path, f"is no DICOM file, or damaged ({reason})", "copy or export it again")


def first_line(error: BaseException) -> str:
    """Type and first line of an error of another library, without values of the file."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:80]}" if text else type(error).__name__


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and log lines of pydicom: they may hold names and numbers of patients."""
    logger = logging.getLogger("pydicom")
    before = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before
