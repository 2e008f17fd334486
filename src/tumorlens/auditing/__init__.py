"""Tables -> issues, and the group-aware splits that follow from them."""

from tumorlens.auditing.audit import audit
from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.issues import (
    DuplicateClusters,
    DuplicatePair,
    IntegrityIssue,
    LabelConflict,
    Leak,
    NearestNeighborAccuracy,
    Shortcut,
    SourceMatch,
)
from tumorlens.auditing.leak_check import LinkedGroups, check_leaks, find_linked_groups, with_groups
from tumorlens.auditing.provenance.reference_index import ReferenceIndex, build_index
from tumorlens.auditing.provenance.source_reference_masks import reference_masks
from tumorlens.auditing.splits import split_folds, split_given, split_whole, without_patient_leakage

__all__ = [
    "AuditReport",
    "DuplicateClusters",
    "DuplicatePair",
    "IntegrityIssue",
    "LabelConflict",
    "Leak",
    "LinkedGroups",
    "NearestNeighborAccuracy",
    "ReferenceIndex",
    "Shortcut",
    "SourceMatch",
    "audit",
    "build_index",
    "check_leaks",
    "find_linked_groups",
    "reference_masks",
    "split_folds",
    "split_given",
    "split_whole",
    "with_groups",
    "without_patient_leakage",
]
