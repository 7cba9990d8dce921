"""The command line, and the process tree behind ``unmix serve``."""
