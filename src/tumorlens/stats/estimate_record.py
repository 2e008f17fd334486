"""JSON -> Estimate: the type of an estimate in evaluation.json and in model cards."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict

from tumorlens.stats.bootstrap import Estimate


class EstimateRecord(BaseModel):
    """An `Estimate` as JSON: an undefined value is None instead of NaN.

    Attributes:
        value: of the metric; None where the sample leaves it undefined.
        low: lower end of the 95 % interval; None without an interval.
        high: upper end; None likewise.
        n: images behind it.
        units: sampling units behind it.
        unit: ``"patient"``, ``"image"`` or ``"patient or image"``.
        method: of the interval: ``"bootstrap"``, ``"wilson"`` or ``"none"``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    low: float | None
    high: float | None
    n: int = 0
    units: int = 0
    unit: str = "image"
    method: str = "none"

    @property
    def estimate(self) -> Estimate:
        """The same, ready to be printed."""
        value = math.nan if self.value is None else self.value
        return Estimate(value, self.low, self.high, self.n, self.units, self.unit, self.method)
