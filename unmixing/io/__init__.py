"""Cube files in, products out: the only place that knows file formats."""
