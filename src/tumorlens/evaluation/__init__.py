"""Run + table -> numbers with intervals."""

from tumorlens.extras import require

require("torch", "train", "evaluate networks")

from tumorlens.evaluation.evaluate import Calibration, Evaluation, calibrate, evaluate, weights_hash  # noqa: E402
from tumorlens.evaluation.html import evaluation_page, evaluation_sections  # noqa: E402
from tumorlens.evaluation.infer import grey_slice, infer  # noqa: E402
from tumorlens.evaluation.metrics import Metrics, measure  # noqa: E402
from tumorlens.evaluation.write import write_evaluation  # noqa: E402

__all__ = [
    "Calibration",
    "Evaluation",
    "Metrics",
    "calibrate",
    "evaluate",
    "evaluation_page",
    "evaluation_sections",
    "grey_slice",
    "infer",
    "measure",
    "weights_hash",
    "write_evaluation",
]
