"""Predictor + Volume -> StudyResult: slices put upright, predicted in their plane, joined into findings in 3D."""
