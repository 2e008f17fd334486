"""Architectures, one file each; every file enters its networks in the registry."""
