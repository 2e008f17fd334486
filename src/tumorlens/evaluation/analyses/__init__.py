"""Analyses of a run beyond its metrics, one folder each, found by themselves.

Adding an analysis means adding a folder; see `tumorlens.evaluation.analyses.analysis`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from tumorlens.errors import DataError, did_you_mean
from tumorlens.evaluation.analyses.analysis import Analysis, AnalysisResult, Context, PooledContext

__all__ = ["Analysis", "AnalysisResult", "Context", "PooledContext", "chosen_analyses", "registry"]


def registry() -> dict[str, Analysis]:
    """Name -> analysis, in their order: every folder beside this file that holds an `ANALYSIS`."""
    found = [
        import_module(f"{__name__}.{module.name}").ANALYSIS for module in pkgutil.iter_modules(__path__) if module.ispkg
    ]
    return {analysis.name: analysis for analysis in sorted(found, key=lambda one: (one.order, one.name))}


def chosen_analyses(analyses: Mapping[str, bool], limits: Mapping[str, int]) -> dict[str, int]:
    """Name of each analysis to make -> its limit."""
    known = registry()
    if unknown := sorted((set(analyses) | set(limits)) - set(known)):
        raise DataError(
            found=f"no analysis is called '{unknown[0]}'",
            expected=f"one of {', '.join(known)}",
            advice=did_you_mean(unknown[0], known),
        )
    return {
        name: limits.get(name, analysis.limit or 0)
        for name, analysis in known.items()
        if analyses.get(name, analysis.enabled)
    }
