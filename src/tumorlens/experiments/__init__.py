"""What trains several times: cross-validation, ablation, reproduction of published claims."""
