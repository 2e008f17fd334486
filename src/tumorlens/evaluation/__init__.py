"""Run + table -> numbers with intervals."""

from tumorlens._extras import require

require("torch", "train", "evaluate networks")

from tumorlens.comparison.compare import compare  # noqa: E402
from tumorlens.comparison.paired_classification import Comparison, compare_answers  # noqa: E402
from tumorlens.evaluation.analyses.ood import Outside  # noqa: E402
from tumorlens.evaluation.analyses.region_occlusion.result import Background  # noqa: E402
from tumorlens.evaluation.analyses.robustness import Robustness, measure_robustness  # noqa: E402
from tumorlens.evaluation.analyses.selective.measure import Abstention  # noqa: E402
from tumorlens.evaluation.evaluate import calibrate, evaluate  # noqa: E402
from tumorlens.evaluation.evaluation_files import write_evaluation  # noqa: E402
from tumorlens.evaluation.evaluation_result import Calibration, Evaluation  # noqa: E402
from tumorlens.evaluation.inference import grey_slice, infer  # noqa: E402
from tumorlens.evaluation.report.evaluation_page import evaluation_page, evaluation_sections  # noqa: E402
from tumorlens.evaluation.stored_evaluation import Measured, read_evaluation  # noqa: E402
from tumorlens.evaluation.subset import weights_hash  # noqa: E402
from tumorlens.evaluation.thresholds import Limits, limits_of  # noqa: E402
from tumorlens.metrics.classification import Metrics, measure  # noqa: E402
from tumorlens.metrics.overlap import Drawing, compare_mask  # noqa: E402
from tumorlens.metrics.segmentation import Segmentation, measure_masks  # noqa: E402

__all__ = [
    "Abstention",
    "Background",
    "Calibration",
    "Comparison",
    "Drawing",
    "Evaluation",
    "Limits",
    "Measured",
    "Metrics",
    "Outside",
    "Robustness",
    "Segmentation",
    "calibrate",
    "compare",
    "compare_answers",
    "compare_mask",
    "evaluate",
    "evaluation_page",
    "evaluation_sections",
    "grey_slice",
    "infer",
    "limits_of",
    "measure",
    "measure_masks",
    "measure_robustness",
    "read_evaluation",
    "weights_hash",
    "write_evaluation",
]
