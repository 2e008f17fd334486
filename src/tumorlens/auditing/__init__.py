"""Tables -> doubts, and the group-aware splits that follow from them."""

from tumorlens.auditing.audit import audit
from tumorlens.auditing.audit_report import AuditReport
from tumorlens.auditing.issues import Conflict, Damage, Leak, Neighbor, Pair, Shortcut, Trace, Twins
from tumorlens.auditing.leak_check import Ties, check_leaks, find_ties, regrouped
from tumorlens.auditing.provenance.reference_index import KnownSet, index_of
from tumorlens.auditing.provenance.traced_masks import true_masks
from tumorlens.auditing.splits import split_folds, split_given, split_whole, without_torn_split

__all__ = [
    "AuditReport",
    "Conflict",
    "Damage",
    "KnownSet",
    "Leak",
    "Neighbor",
    "Pair",
    "Shortcut",
    "Ties",
    "Trace",
    "Twins",
    "audit",
    "check_leaks",
    "find_ties",
    "index_of",
    "regrouped",
    "split_folds",
    "split_given",
    "split_whole",
    "true_masks",
    "without_torn_split",
]
