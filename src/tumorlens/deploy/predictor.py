"""bundle -> predictor: ONNX Runtime alone, no torch."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from tumorlens._legacy import graph_names
from tumorlens.deploy.prediction import Prediction
from tumorlens.deploy.shipped import DEFAULT_MODEL, SHIPPED_MODELS, model_path
from tumorlens.errors import ModelError, ModelFileError, ScanError, TumorlensError
from tumorlens.explanation.catalog import ATTENTION, Of
from tumorlens.explanation.explainer import Explainer
from tumorlens.model_card.card import ModelCard, parse_card
from tumorlens.report.heat import heat
from tumorlens.scan import Scan, mask_in_image, read_scan
from tumorlens.stats.conformal import at_temperature_one, check_coverage

Source = str | Path | Scan | npt.NDArray[Any]
_AHEAD = 16  # images read in advance while the network works


def load(model: str | Path = DEFAULT_MODEL) -> Predictor:
    """Open a bundle.

    Args:
        model: its path, or the name of one that comes with tumorlens: ``"default"`` or ``"tiny"``.

    Raises:
        BundleError: no such file, not ONNX, or without a tumorlens card.
    """
    return Predictor(model_path(model))


def predict(
    source: Source, model: str | Path = DEFAULT_MODEL, *, heatmap: bool = True, coverage: float | None = None
) -> Prediction:
    """Answer for one slice; for several, `load` the bundle once and ask it.

    Args:
        source: a file, a `Scan`, or gray values (H, W).
        model: path of a bundle, or the name of a shipped one, as `load` takes it.
        heatmap: whether to bring the activation map back to the image.
        coverage: as in `Predictor.predict`.

    Raises:
        BundleError, ScanError, DataError: as `load` and `Predictor.predict` say.
    """
    return load(model).predict(source, heatmap=heatmap, coverage=coverage)


class Predictor:
    """A bundle, ready to answer.

    Attributes:
        path: of the bundle.
        card: what it is and how good it is.
        explainer: the network, ready to be explained.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise ModelFileError(
                f"{self.path}: is a folder; expected a bundle, one .onnx file; if it is a run, export it first: "
                f"tumorlens export {self.path}"
            )
        if not self.path.is_file():
            raise ModelFileError(
                f"{self.path}: no such file; expected a bundle made by: tumorlens export RUN, or a model that ships: "
                f"{', '.join(SHIPPED_MODELS)}"
            )
        options = ort.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions have no common base of their own
            reason = str(error).splitlines()[0].rpartition("failed:")[2].strip()[:120]
            raise ModelFileError(
                f"{self.path}: cannot be loaded as ONNX ({reason}); expected a bundle made by: tumorlens export RUN"
            ) from None
        self.card: ModelCard = parse_card(self._session.get_modelmeta().custom_metadata_map, str(self.path))
        self._graph_names = graph_names([output.name for output in self._session.get_outputs()])
        outputs = list(self._graph_names)
        self.explainer = Explainer(
            f"this bundle of {self.card.model}", self.card.input_geometry, self._ask, lambda: outputs
        )
        # The other outputs are for those who ask: what is not asked for is not copied.
        self._usual = [name for name in outputs if name != "features" and not name.startswith(ATTENTION)]

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in output order."""
        return self.card.classes

    def predict(self, source: Source, *, heatmap: bool = True, coverage: float | None = None) -> Prediction:
        """Answer for one slice.

        Args:
            source: a file, a `Scan`, or gray values (H, W); arrays other than uint8 are windowed by percentile.
            heatmap: whether to bring the activation map back to the image.
            coverage: also return the conformal prediction set: of each class at least this share of the images has the
                class in its set, for new patients like those of the validation subset. None leaves `prediction_set` out.

        Raises:
            ScanError: the file cannot be read, or is no single slice.
            BundleError: `coverage` is given, and the bundle does not know what that takes.
            DataError: `coverage` is not between 0 and 1.
        """
        self.check_coverage(coverage)
        return self._answer(_scan(source), heatmap, coverage)

    def check_coverage(self, coverage: float | None) -> str | None:
        """Refuse a coverage that cannot be guaranteed, before any image is read.

        Returns:
            One sentence on the classes that are in every prediction set; None if there are none.

        Raises:
            BundleError, DataError: as `predict`.
        """
        if coverage is None:
            return None
        check_coverage(coverage)
        if self.card.prediction_sets is None:
            raise ModelFileError(
                f"{self.path}: no thresholds for prediction sets found: the run had no validation subset, or the model "
                "file is older; leave coverage out, or export the run again"
            )
        return self.card.prediction_sets.unknown(coverage)

    def heatmap(
        self, source: Source, *, method: str = "grad_cam", target: str | None = None, of: Of = "class"
    ) -> npt.NDArray[np.float32]:
        """Where the network looked, by any of the methods that this bundle has (`explainer.available`).

        Args:
            source: as in `predict`.
            method: a name of `tumorlens.explanation.METHODS`, or ``"attention:NAME"`` for one attention map of several.
            target: class to explain; None for the predicted one.
            of: ``"mask"`` explains the tumor that the network draws.

        Returns:
            (H, W) float32 from 0 to 1; all 0 where nothing speaks for what is explained.

        Raises:
            ModelError: the bundle cannot give that method, or knows no such class.
            ScanError: as in `predict`.
        """
        self.explainer.check(method, of)
        if target is not None and target not in self.classes:
            raise ModelError(f"class '{target}' asked for; expected one of those the model knows, {list(self.classes)}")
        targets = None if target is None else [self.classes.index(target)]
        return self.explainer.heatmaps(_scan(source).gray_slice()[None], targets, method=method, of=of)[0]

    def predict_many(
        self, sources: Iterable[Source], *, heatmap: bool = True, coverage: float | None = None
    ) -> Iterator[tuple[Source, Prediction | TumorlensError]]:
        """Answer for many slices in order; reading runs ahead of the network.

        Yields:
            (source, prediction), or (source, error) for one that cannot be read; the rest go on.

        Raises:
            BundleError, DataError: `coverage`, as in `predict`.
        """
        self.check_coverage(coverage)
        rest = iter(sources)
        with ThreadPoolExecutor(1) as reader:
            queue: deque[tuple[Source, Future[Scan]]] = deque(
                (s, reader.submit(_scan, s)) for s in islice(rest, _AHEAD)
            )
            while queue:
                source, future = queue.popleft()
                queue.extend((s, reader.submit(_scan, s)) for s in islice(rest, 1))
                try:
                    yield source, self._answer(future.result(), heatmap, coverage)
                except TumorlensError as error:
                    yield source, error

    def _ask(self, images: npt.NDArray[np.uint8], names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """Some outputs of the graph, by name."""
        found = self._session.run([self._graph_names[name] for name in names], {"image": images})
        return dict(zip(names, found, strict=True))

    def _answer(self, scan: Scan, heatmap: bool, coverage: float | None) -> Prediction:
        gray = scan.gray_slice()
        wanted = [name for name in self._usual if heatmap or name != "cam"]
        begun = time.perf_counter()
        found = self._ask(gray[None], wanted)
        spent = 1000 * (time.perf_counter() - begun)
        row = found["probabilities"][0]
        best = int(row.argmax())
        box = tuple(found["boxes"][0].tolist()) if "boxes" in found else None
        crop_window = self.card.input_geometry.crop_window(*scan.size, box)
        chart = heat(found["cam"][0, best], crop_window) if "cam" in found else None
        mask = mask_in_image(found["mask"][0], crop_window) if "mask" in found else None
        score = float(found["ood_score"][0]) if "ood_score" in found else None
        blank = True if gray.min() == gray.max() else None  # known of any bundle
        return Prediction(
            source=str(scan.path),
            label=self.classes[best],
            probabilities={name: float(p) for name, p in zip(self.classes, row, strict=True)},
            heatmap=chart,
            mask=mask,
            size=scan.size,
            spacing=scan.spacing,
            model=self.card.name,
            milliseconds=spent,
            orientation=scan.orientation,
            spacing_source="file" if scan.spacing else None,
            ood=blank if score is None else score > 1,
            ood_score=score,
            prediction_set=None if coverage is None else self._prediction_set(row, coverage),
        )

    def _prediction_set(self, row: npt.NDArray[np.float32], coverage: float) -> tuple[str, ...]:
        """The classes that stay possible, from probabilities (K,)."""
        assert self.card.prediction_sets is not None  # `check_coverage` has seen to it
        (possible,) = self.card.prediction_sets.sets(at_temperature_one(row[None], self.card.temperature), coverage)
        return tuple(name for name, stays in zip(self.classes, possible, strict=True) if stays)


def _scan(source: Source) -> Scan:
    if isinstance(source, Scan):
        return source
    if isinstance(source, np.ndarray):
        if source.ndim != 2 or source.size == 0:
            raise ScanError("array", f"shape {source.shape}", "expected gray values (H, W)")
        return Scan(source, Path("array"), "array", str(source.dtype))
    return read_scan(source)
