"""Layouts of files and folders that more than one data set has: classes in folders, CSV tables, COCO, VIA."""
