"""Run or model file -> model card, its page, and reporting checklists filled in with the facts on the card."""
