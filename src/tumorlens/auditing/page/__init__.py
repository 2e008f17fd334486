"""AuditReport -> what a person reads: audit.json, contact sheets and one page of HTML."""
