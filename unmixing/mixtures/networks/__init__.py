"""Networks that separate mixture matrices: LPALM and its baselines, trained on a library of mixing matrices."""
