"""Brain-tumor MRI: audit data, train, evaluate, explain, export and predict. For research only.

A model classifies a slice, segments and measures the tumor, and flags most out-of-distribution images. Every result
records its data set, its split and its limitations.

>>> import tumorlens
>>> tumorlens.load("model.onnx").predict("scan.png")  # doctest: +SKIP
"""

from __future__ import annotations

import logging
import os

import lazy_loader

__version__ = "0.1.0"

# ONNX Runtime 1.29 and later writes a device id and an event database into the user's home, and contacts its vendor's
# telemetry server. It reads this variable once, when it is imported; the switch in its Python interface is too late.
# Every entry point imports this module: command line, library and child processes. A value set by the user is kept.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# The package logs to "tumorlens"; without a handler of the user it is silent.
logging.getLogger("tumorlens").addHandler(logging.NullHandler())

# The public names stand in __init__.pyi. A module is imported on first use, so that reading a scan or predicting does
# not import torch, and works where torch is not installed.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
