"""Mixture matrices instead of images: the same work for samples x channels, with signed or sparse sources."""
