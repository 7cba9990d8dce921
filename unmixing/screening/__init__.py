"""What of an image should not be computed on, found from its numbers."""
