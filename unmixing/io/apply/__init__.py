"""Unmixing from files to files, block by block."""
