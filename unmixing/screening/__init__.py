"""Numbers and bands of an image that should not be computed on, found from the image itself."""
