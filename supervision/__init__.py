"""The process tree behind ``unmix serve``: service, queue and workers, which live and die together."""
