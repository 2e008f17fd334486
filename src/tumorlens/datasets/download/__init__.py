"""Transfers of public data sets, checked against their checksums."""
