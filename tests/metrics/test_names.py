"""The registry of metrics."""

from __future__ import annotations

import numpy as np

from tumorlens.metrics.classification import measure
from tumorlens.metrics.detection import measure_detection
from tumorlens.metrics.names import METRICS, title
from tumorlens.stats import ClusterBootstrap


def test_every_metric_that_is_computed_is_in_the_registry_under_its_name() -> None:
    labels, probabilities = np.array([0, 1, 0, 1]), np.array([[0.8, 0.2], [0.3, 0.7], [0.4, 0.6], [0.1, 0.9]])
    metrics = measure(probabilities, labels, ClusterBootstrap(list("abcd"), "patient", n_resamples=20), ("a", "b"))
    detection = measure_detection(
        probabilities, labels, ClusterBootstrap(list("abcd"), "patient", 20), ("a", "b"), {"b"}, 0.1
    )
    assert detection is not None
    computed = set(metrics.overall) | {name for row in metrics.per_class.values() for name in row}
    computed |= set(detection.estimates)
    assert computed <= set(METRICS)
    assert computed == {name for name, metric in METRICS.items() if not metric.segmentation}


def test_a_registered_metric_says_what_it_is_called_which_way_is_better_and_who_defined_it() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.title
        assert metric.level == "volume" or "3D" not in metric.title
        assert metric.source
    assert METRICS["ece"].direction == METRICS["hd95"].direction == "lower"
    assert METRICS["hd95"].title_in("mm") == "HD95 (mm)"
    assert METRICS["surface_dice"].title_in("mm", 2.0) == "surface Dice, 2 mm"


def test_an_unknown_name_is_its_own_title() -> None:
    assert title("dice") == "Dice"
    assert title("my_metric") == "my_metric"
