"""Arrays -> metrics with intervals: classification, calibration, segmentation, lesions. No files, no torch."""
