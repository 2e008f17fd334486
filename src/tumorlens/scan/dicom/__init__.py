"""DICOM files -> headers -> frames -> stacks: each stack is right, or refused with its reason."""
