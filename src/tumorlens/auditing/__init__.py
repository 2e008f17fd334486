"""Tables -> doubts, and the group-aware splits that follow from them."""

from tumorlens.auditing.audit import audit
from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.issues import (
    DuplicateGroup,
    IntegrityIssue,
    LabelConflict,
    Leak,
    Neighbor,
    Pair,
    Shortcut,
    SourceMatch,
)
from tumorlens.auditing.leak_check import LinkedGroups, check_leaks, find_linked_groups, with_groups
from tumorlens.auditing.provenance.reference_index import ReferenceIndex, index_of
from tumorlens.auditing.provenance.traced_masks import true_masks
from tumorlens.auditing.splits import split_folds, split_given, split_whole, without_torn_split

__all__ = [
    "AuditReport",
    "DuplicateGroup",
    "IntegrityIssue",
    "LabelConflict",
    "Leak",
    "LinkedGroups",
    "Neighbor",
    "Pair",
    "ReferenceIndex",
    "Shortcut",
    "SourceMatch",
    "audit",
    "check_leaks",
    "find_linked_groups",
    "index_of",
    "split_folds",
    "split_given",
    "split_whole",
    "true_masks",
    "with_groups",
    "without_torn_split",
]
