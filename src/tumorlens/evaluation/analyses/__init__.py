"""Analyses of a run beyond its metrics, one folder each, found by themselves.

Adding an analysis means adding a folder; see `tumorlens.evaluation.analyses.analysis`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from tumorlens.evaluation.analyses.analysis import Analysis, AnalysisResult, Context, PooledContext

__all__ = ["Analysis", "AnalysisResult", "Context", "PooledContext", "registry"]


def registry() -> dict[str, Analysis]:
    """Name -> analysis, in their order: every folder beside this file that holds an `ANALYSIS`."""
    found = [
        import_module(f"{__name__}.{module.name}").ANALYSIS for module in pkgutil.iter_modules(__path__) if module.ispkg
    ]
    return {analysis.name: analysis for analysis in sorted(found, key=lambda one: (one.order, one.name))}
