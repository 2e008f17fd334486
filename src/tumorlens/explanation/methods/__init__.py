"""Features, attention or images -> a heat map: one file for each explanation method."""
