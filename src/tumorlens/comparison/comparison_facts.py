"""Stored evaluations -> what a comparison rests on: the runs, the data, and the bootstrap."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from tumorlens.evaluation.evaluation_facts import EvaluationFacts


class ComparedRunFacts(BaseModel):
    """What identifies a compared run.

    Attributes:
        model: name of its network.
        recipe: name of its recipe.
        training_seed: of the run.
        weights: SHA-256 of its weights.
        split_hash: of the split it was trained on.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    recipe: str
    training_seed: int
    weights: str
    split_hash: str

    @classmethod
    def of(cls, facts: EvaluationFacts) -> ComparedRunFacts:
        """Those of an evaluated run."""
        return cls(**facts.model_dump(include=set(cls.model_fields)))


class ComparisonFacts(BaseModel):
    """What two runs were compared on.

    Attributes:
        data: name of the measured table.
        data_fingerprint: of its images, in the evaluation of the first run.
        subset: as in `EvaluationFacts`.
        n_resamples: of the bootstrap.
        seed: of the bootstrap.
    """

    model_config = ConfigDict(frozen=True)

    data: str
    data_fingerprint: str
    subset: str
    n_resamples: int
    seed: int
