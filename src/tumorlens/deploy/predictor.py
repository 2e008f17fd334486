"""model file -> predictor: ONNX Runtime alone, no torch."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from tumorlens._legacy import graph_names
from tumorlens.deploy.prediction import Prediction
from tumorlens.deploy.shipped import DEFAULT_MODEL, SHIPPED_MODELS, model_path
from tumorlens.errors import ModelError, ModelFileError, TumorlensError
from tumorlens.explanation.catalog import ATTENTION, Task
from tumorlens.explanation.explainer import Explainer
from tumorlens.model_card.card import ModelCard, parse_card
from tumorlens.report.heat import heat
from tumorlens.scan import GrayImage, Scan, ScanSource, read_scan
from tumorlens.scan.mask import thresholded
from tumorlens.stats.conformal import at_temperature_one, check_coverage

Device = Literal["cpu", "cuda"]
SourceType = TypeVar("SourceType", bound=ScanSource)
_PREFETCHED = 16  # images read in advance while the network predicts


def load(model: str | Path = DEFAULT_MODEL, *, device: Device = "cpu", threads: int | None = None) -> Predictor:
    """Open a model file.

    Args:
        model: path of the file, or the name of a model that comes with tumorlens: `list_predictors`.
        device: as in `Predictor`.
        threads: as in `Predictor`.

    Raises:
        ModelFileError: no such file, not ONNX, without a tumorlens card, or the device is not there.

    Example:
        >>> import tumorlens
        >>> tumorlens.load("tiny")
        Predictor(tiny, 4 classes, mask, 160 px)
    """
    return Predictor(model_path(model), device=device, threads=threads)


def list_predictors() -> list[str]:
    """The names of the models that come with tumorlens, for `load`; the default one first.

    Example:
        >>> import tumorlens
        >>> tumorlens.list_predictors()
        ['default', 'tiny']
    """
    return list(SHIPPED_MODELS)


def available_threads() -> int:
    """The number of processors that this process may use; ``taskset`` and containers lower it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def predict(
    source: ScanSource, model: str | Path = DEFAULT_MODEL, *, heatmap: bool = True, coverage: float | None = None
) -> Prediction:
    """Predict one slice. For several slices, `load` the model once and call `Predictor.predict`.

    Args:
        source: as in `Predictor.predict`.
        model: path of a model file, or the name of a shipped model, as in `load`.
        heatmap: whether to compute the heat map.
        coverage: as in `Predictor.predict`.

    Raises:
        ModelFileError, ScanError, DataError: as `load` and `Predictor.predict`.

    Example:
        >>> import tumorlens
        >>> from tumorlens.datasets.phantom import render_patient
        >>> image = render_patient("glioma", seed=0, slices=1, size=256)[0].image  # a synthetic slice
        >>> tumorlens.predict(image, "tiny")
        Prediction(array: glioma ... %, ... px tumor)
    """
    return load(model).predict(source, heatmap=heatmap, coverage=coverage)


class Predictor:
    """A model file in ONNX Runtime, ready to predict.

    Threads wait without using the processor, and are not bound to processors, so that several predictors share a
    machine.

    Args:
        path: of the model file.
        device: ``"cpu"``, or ``"cuda"`` where onnxruntime-gpu is installed.
        threads: for one image; `available_threads` by default.

    Attributes:
        path: of the model file.
        providers: execution providers of ONNX Runtime, the preferred one first.
        threads: that one image is computed with.
        card: the model card.
        explainer: computes heat maps by any method that the file supports.

    Example:
        >>> import tumorlens
        >>> predictor = tumorlens.load("tiny")
        >>> predictor.classes
        ('glioma', 'meningioma', 'pituitary', 'no_tumor')
        >>> images = ["phantoms/images/phantom0000000_00.png", "missing.png"]  # a synthetic slice, and no such file
        >>> [type(result).__name__ for _, result in predictor.predict_many(images)]
        ['Prediction', 'ScanError']
    """

    def __init__(self, path: str | Path, *, device: Device = "cpu", threads: int | None = None) -> None:
        self.path = Path(path)
        self.threads = threads or available_threads()
        if self.path.is_dir():
            raise ModelFileError(
                file=self.path,
                found="is a folder",
                expected="a model file, .onnx",
                advice=f"if it is a run, export it first: tumorlens export {self.path}",
            )
        if not self.path.is_file():
            raise ModelFileError(
                file=self.path,
                found="no such file",
                expected="a model file that 'tumorlens export RUN' made, or a model that comes with tumorlens: "
                f"{', '.join(SHIPPED_MODELS)}",
            )
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = self.threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(device)
        try:
            self._session = ort.InferenceSession(self.path, options, providers=providers)
        except Exception as error:  # onnxruntime's exceptions have no common base of their own
            reason = str(error).splitlines()[0].rpartition("failed:")[2].strip()[:120]
            raise ModelFileError(
                file=self.path,
                found=f"cannot be loaded as ONNX ({reason})",
                expected="a model file that 'tumorlens export RUN' made",
            ) from None
        self.providers: tuple[str, ...] = tuple(self._session.get_providers())
        self.card: ModelCard = parse_card(self._session.get_modelmeta().custom_metadata_map, str(self.path))
        self._graph_names = graph_names([output.name for output in self._session.get_outputs()])
        outputs = list(self._graph_names)
        self.explainer = Explainer(
            f"this model file of {self.card.model}", self.card.input_geometry, self._run, lambda: outputs
        )
        # The others are computed on request only: ONNX Runtime copies each output that is requested.
        self._default_outputs = [name for name in outputs if name != "features" and not name.startswith(ATTENTION)]

    def __repr__(self) -> str:
        parts = [self.card.name, f"{len(self.classes)} classes", *(["mask"] if self.card.segments else [])]
        return f"Predictor({', '.join(parts)}, {self.card.input_geometry.size} px)"

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in output order."""
        return self.card.classes

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the model file, as hexadecimal digits."""
        return sha256(self.path.read_bytes()).hexdigest()

    def predict(self, source: ScanSource, *, heatmap: bool = True, coverage: float | None = None) -> Prediction:
        """Predict one slice.

        Args:
            source: what `tumorlens.read_scan` reads: a path, bytes, a file object, a PIL image, an array (H, W),
                (1, H, W), (H, W, 1) or (H, W, 3), or a `Scan`. Values other than uint8 are windowed by percentile.
            heatmap: whether to compute the heat map.
            coverage: also return the conformal prediction set. For new patients like those of the validation subset,
                the set contains the true class of at least this share of the images of each class. None: no set.

        Raises:
            ScanError: the file cannot be read, or is no single slice.
            ModelFileError: `coverage` is given, and the card has no quantiles for prediction sets.
            DataError: `coverage` is not between 0 and 1.
        """
        self.check_coverage(coverage)
        return self._predict(read_scan(source), heatmap, coverage)

    __call__ = predict

    def predict_proba(self, sources: ScanSource | Iterable[ScanSource]) -> npt.NDArray[np.float64]:
        """Class probabilities, as classifiers of scikit-learn return them.

        Args:
            sources: one image, as in `predict`, or several.

        Returns:
            (N, K) float64, calibrated; column k belongs to ``classes[k]``, and each row sums to 1. One image gives
            one row.

        Raises:
            ScanError: an image cannot be read; `predict_many` goes on instead.

        Example:
            >>> import tumorlens, numpy as np
            >>> tumorlens.load("tiny").predict_proba(np.zeros((64, 64), np.uint8)).shape
            (1, 4)
        """
        rows = []
        for _, prediction in self.predict_many(_several(sources), heatmap=False):
            if isinstance(prediction, TumorlensError):
                raise prediction
            rows.append([prediction.probabilities[name] for name in self.classes])
        return np.array(rows, dtype=np.float64).reshape(-1, len(self.classes))

    def check_coverage(self, coverage: float | None) -> str | None:
        """Refuse a coverage that cannot be guaranteed, before any image is read.

        Returns:
            One sentence on the classes that are in every prediction set; None if there are none.

        Raises:
            ModelFileError, DataError: as `predict`.
        """
        if coverage is None:
            return None
        check_coverage(coverage)
        if self.card.prediction_sets is None:
            raise ModelFileError(
                file=self.path,
                found="has no quantiles for prediction sets",
                expected="a recent model file of a run with a validation subset, where a coverage is given",
                advice="leave coverage out, or export the run again",
            )
        return self.card.prediction_sets.unknown(coverage)

    def heatmap(
        self, source: ScanSource, *, method: str = "grad_cam", target: str | None = None, task: Task = "classification"
    ) -> npt.NDArray[np.float32]:
        """Explain the prediction of one slice by any method of this model file (`explainer.available`).

        Args:
            source: as in `predict`.
            method: a name of `tumorlens.explanation.METHODS`, or ``"attention:NAME"`` for one attention map of several.
            target: class to explain; None for the predicted one.
            task: ``"segmentation"`` explains the predicted mask.

        Returns:
            (H, W) float32 from 0 to 1; all 0 where nothing raises the explained score.

        Raises:
            ModelError: the model file does not support this method, or has no such class.
            ScanError: as in `predict`.
        """
        self.explainer.check(method, task)
        if target is not None and target not in self.classes:
            raise ModelError(
                found=f"class '{target}' found", expected=f"a class of the model, one of {list(self.classes)}"
            )
        targets = None if target is None else [self.classes.index(target)]
        return self.explainer.heatmaps(read_scan(source).gray_slice()[None], targets, method=method, task=task)[0]

    def predict_many(
        self,
        sources: Iterable[SourceType],
        *,
        heatmap: bool = True,
        coverage: float | None = None,
        jobs: int = 1,
        batch_size: int = 1,
        probability_map: bool = False,
    ) -> Iterator[tuple[SourceType, Prediction | TumorlensError]]:
        """Predict many slices in order; the next files are read while the network predicts.

        Args:
            sources: each as in `predict`.
            heatmap: as in `predict`.
            coverage: as in `predict`.
            jobs: batches that are computed at one time, each with `threads` threads. A folder is predicted fastest with
                one thread per image and as many jobs as processors. The predictions do not depend on it.
            batch_size: images of one size, one after the other, that the network gets at one time. A batch helps a GPU;
                on a CPU it is no faster, and the last bits of a probability may differ from those of single images.
            probability_map: whether to return the tumor probability of each pixel, where the model segments.

        Yields:
            (source, prediction), or (source, error) for a file that cannot be read; the others are still predicted.

        Raises:
            ModelFileError, DataError: `coverage`, as in `predict`.
        """
        self.check_coverage(coverage)
        with ThreadPoolExecutor(jobs) as readers, ThreadPoolExecutor(jobs) as workers:
            scans = _read_ahead(sources, readers, _PREFETCHED + jobs * batch_size)
            batches = (
                (
                    batch,
                    workers.submit(
                        self._predict_batch, [scan for _, scan in batch], heatmap, coverage, probability_map
                    ),
                )
                for batch in _batches(scans, batch_size)
            )
            queue = deque(islice(batches, jobs + 1))
            try:
                while queue:
                    batch, future = queue.popleft()
                    yield from zip([source for source, _ in batch], future.result(), strict=True)
                    queue.extend(islice(batches, 1))
            finally:  # also where the caller stops early, or interrupts
                for pool in (readers, workers):
                    pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, images: npt.NDArray[np.uint8], names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """Outputs of the graph by name."""
        values = self._session.run([self._graph_names[name] for name in names], {"image": images})
        return dict(zip(names, values, strict=True))

    def _predict(self, scan: Scan, heatmap: bool, coverage: float | None) -> Prediction:
        return self._predict_scans([scan], heatmap, coverage)[0]

    def _predict_batch(
        self, scans: Sequence[Scan | TumorlensError], heatmap: bool, coverage: float | None, probability_map: bool
    ) -> Sequence[Prediction | TumorlensError]:
        """Predict scans of one size; an error stands alone, and is passed on."""
        readable = [scan for scan in scans if not isinstance(scan, TumorlensError)]
        if not readable:
            return [scan for scan in scans if isinstance(scan, TumorlensError)]
        return self._predict_scans(readable, heatmap, coverage, probability_map)

    def _predict_scans(
        self, scans: Sequence[Scan], heatmap: bool, coverage: float | None, probability_map: bool = False
    ) -> list[Prediction]:
        images = np.stack([scan.gray_slice() for scan in scans])
        names = [name for name in self._default_outputs if heatmap or name != "cam"]
        started = time.perf_counter()
        outputs = self._run(images, names)
        milliseconds = 1000 * (time.perf_counter() - started) / len(scans)
        rows = [{name: values[i] for name, values in outputs.items()} for i in range(len(scans))]
        triples = zip(scans, images, rows, strict=True)
        return [self._prediction(*triple, milliseconds, coverage, probability_map) for triple in triples]

    def _prediction(
        self,
        scan: Scan,
        gray: GrayImage,
        outputs: dict[str, npt.NDArray[Any]],
        milliseconds: float,
        coverage: float | None,
        probability_map: bool,
    ) -> Prediction:
        """The prediction for one scan, from its rows of the outputs."""
        row = outputs["probabilities"]
        best = int(row.argmax())
        box = tuple(outputs["boxes"].tolist()) if "boxes" in outputs else None
        crop_window = self.card.input_geometry.crop_window(*scan.size, box)
        score = float(outputs["ood_score"]) if "ood_score" in outputs else None
        soft = crop_window.to_image(outputs["mask"]) if "mask" in outputs else None
        blank = True if gray.min() == gray.max() else None  # needs no score, so that older files flag it, too
        return Prediction(
            source=str(scan.path),
            gray=gray,
            label=self.classes[best],
            probabilities={name: float(p) for name, p in zip(self.classes, row, strict=True)},
            heatmap=heat(outputs["cam"][best], crop_window) if "cam" in outputs else None,
            mask=None if soft is None else thresholded(soft),
            size=scan.size,
            spacing=scan.spacing,
            model=self.card.name,
            milliseconds=milliseconds,
            orientation=scan.orientation,
            spacing_source="file" if scan.spacing else None,
            ood=blank if score is None else score > 1,
            ood_score=score,
            prediction_set=None if coverage is None else self._prediction_set(row, coverage),
            probability_map=soft if probability_map else None,
        )

    def _prediction_set(self, row: npt.NDArray[np.float32], coverage: float) -> tuple[str, ...]:
        """The conformal prediction set, from probabilities (K,)."""
        assert self.card.prediction_sets is not None  # `check_coverage` made sure
        (contained,) = self.card.prediction_sets.sets(at_temperature_one(row[None], self.card.temperature), coverage)
        return tuple(name for name, inside in zip(self.classes, contained, strict=True) if inside)


def _read_ahead(
    sources: Iterable[SourceType], readers: ThreadPoolExecutor, count: int
) -> Iterator[tuple[SourceType, Scan | TumorlensError]]:
    """Each source with its scan, or with the error, in order; so many files are read in advance."""
    remaining = iter(sources)
    queue = deque((source, readers.submit(_read_slice, source)) for source in islice(remaining, count))
    while queue:
        source, future = queue.popleft()
        try:
            scan: Scan | TumorlensError = future.result()
        except TumorlensError as error:
            scan = error
        queue.extend((following, readers.submit(_read_slice, following)) for following in islice(remaining, 1))
        yield source, scan


def _read_slice(source: ScanSource) -> Scan:
    """Read one slice.

    Raises:
        ScanError: the file cannot be read, or holds a volume.
    """
    scan = read_scan(source)
    scan.gray_slice()
    return scan


def _batches(
    scans: Iterable[tuple[SourceType, Scan | TumorlensError]], batch_size: int
) -> Iterator[list[tuple[SourceType, Scan | TumorlensError]]]:
    """Neighbors of one size together, in order; an error stands alone."""
    batch: list[tuple[SourceType, Scan | TumorlensError]] = []
    size = None
    for source, scan in scans:
        following = None if isinstance(scan, TumorlensError) else scan.size
        if batch and (len(batch) == batch_size or following is None or following != size):
            yield batch
            batch = []
        batch.append((source, scan))
        size = following
    if batch:
        yield batch


def _providers(device: Device) -> list[str]:
    """The execution providers of ONNX Runtime for a device.

    Raises:
        ModelFileError: this installation of ONNX Runtime cannot use the device.
    """
    if device == "cpu":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in (found := ort.get_available_providers()):
        raise ModelFileError(
            found=f"device cuda, and ONNX Runtime with {', '.join(found)} alone",
            expected="ONNX Runtime with CUDAExecutionProvider",
            advice="replace onnxruntime by onnxruntime-gpu, or use the device cpu",
        )
    return ["CUDAExecutionProvider", "CPUExecutionProvider"]


def _several(sources: ScanSource | Iterable[ScanSource]) -> Iterable[ScanSource]:
    """Several images as they are, one image in a list: what `read_scan` reads is one, though it may be iterable."""
    one = isinstance(sources, str | bytes | bytearray | memoryview) or hasattr(sources, "__array__")
    if one or hasattr(sources, "read") or not isinstance(sources, Iterable):
        return [cast(ScanSource, sources)]
    return cast(Iterable[ScanSource], sources)
