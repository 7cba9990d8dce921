"""Spectra as files: libraries, and single measurements of field and laboratory instruments."""
