"""Run or model -> model card, its page, and reporting checklists filled in as far as the card knows."""
