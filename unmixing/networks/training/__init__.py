"""How networks are trained: on synthetic truth, on patches of the image, or on its pixels alone."""
