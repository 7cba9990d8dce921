"""Unrolled networks and CNNAEU; only here and under ``unmixing.mixtures.networks`` is torch imported."""
