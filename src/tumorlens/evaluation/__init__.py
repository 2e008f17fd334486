"""Run + table -> results with intervals, and the page that shows them."""

from tumorlens._extras import require

require("torch", "train", "evaluate networks")

from tumorlens.evaluation.evaluate import calibrate, evaluate  # noqa: E402
from tumorlens.evaluation.evaluation_files import write_evaluation  # noqa: E402
from tumorlens.evaluation.evaluation_result import Calibration, Evaluation  # noqa: E402
from tumorlens.evaluation.inference import gray_slice, infer  # noqa: E402
from tumorlens.evaluation.report.evaluation_page import evaluation_page, evaluation_sections  # noqa: E402
from tumorlens.evaluation.stored_evaluation import Measured, read_evaluation  # noqa: E402
from tumorlens.evaluation.subset import weights_hash  # noqa: E402
from tumorlens.evaluation.thresholds import Thresholds, thresholds_of  # noqa: E402

__all__ = [
    "Calibration",
    "Evaluation",
    "Measured",
    "Thresholds",
    "calibrate",
    "evaluate",
    "evaluation_page",
    "evaluation_sections",
    "gray_slice",
    "infer",
    "read_evaluation",
    "thresholds_of",
    "weights_hash",
    "write_evaluation",
]
