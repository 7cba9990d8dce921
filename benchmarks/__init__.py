"""Measurements of the project's claims: each module prints its table and writes it as JSON."""
