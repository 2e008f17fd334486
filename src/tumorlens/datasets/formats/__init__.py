"""File and folder formats that several data sets share: class folders, CSV tables, COCO, VIA."""
