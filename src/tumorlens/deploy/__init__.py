"""run -> model file -> predictor. Export needs torch, prediction does not; so nothing is imported here."""
