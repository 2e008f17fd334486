"""network + pixels -> maps that show what spoke for a class."""

from tumorlens.extras import require

require("torch", "train", "explain networks")

from tumorlens.explanation.explain import Explanation, explain  # noqa: E402
from tumorlens.explanation.gradcam import grad_cam  # noqa: E402

__all__ = ["Explanation", "explain", "grad_cam"]
