"""What a finding must reach so that a study counts as one with a finding."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tumorlens.report.text import number


class StudyLimit(BaseModel):
    """The limit that a finding in 3D must reach; below it a study has "no finding above the limit".

    Attributes:
        ml: least volume in milliliters.
        tumor_probability: least sum of the probabilities of all classes with a tumor.
        set_on: the data that the limit was set on, in words; None where it was set on none.

    Example:
        >>> from tumorlens.model_card.study_limit import StudyLimit
        >>> print(StudyLimit())
        any volume, tumor probability at least 50.0 %; not set on data
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ml: float = Field(default=0.0, ge=0)
    tumor_probability: float = Field(default=0.5, ge=0, le=1)
    set_on: str | None = None

    def __str__(self) -> str:
        volume = f"at least {self.ml:g} ml" if self.ml else "any volume"
        basis = f"set on {self.set_on}" if self.set_on else "not set on data"
        return f"{volume}, tumor probability at least {number(self.tumor_probability, percent=True)}; {basis}"

    def counts(self, ml: float | None, tumor_probability: float) -> bool | None:
        """Whether a finding reaches the limit; None where its volume is unknown and the limit has one."""
        if tumor_probability < self.tumor_probability:
            return False
        if not self.ml:
            return True
        return None if ml is None else ml >= self.ml
