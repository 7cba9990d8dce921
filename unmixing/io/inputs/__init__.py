"""Inputs of a request: scenes, mixtures, libraries, fields, and whether they fit together."""
