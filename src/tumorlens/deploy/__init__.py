"""run -> bundle -> predictor. Exporting needs torch; predicting does not, so nothing is imported here."""
