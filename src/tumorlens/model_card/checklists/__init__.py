"""card -> a reporting checklist, filled in with the facts on the card. A YAML file in this folder is a checklist."""
