"""Synthetic data with known truth: from the image itself to train on, from physical models to test with."""
