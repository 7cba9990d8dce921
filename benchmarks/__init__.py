"""What the project claims, measured: each module prints its table and writes it as JSON."""
