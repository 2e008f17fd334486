"""AuditReport -> audit.json and one HTML page with tables and image pairs."""
