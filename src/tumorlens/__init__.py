"""Brain-tumour MRI, honestly measured."""

__version__ = "0.1.0"
