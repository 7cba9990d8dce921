"""OGC API - Processes 1.0 on the jobs of this service: what processes there are, how they are executed, and what their
results look like to clients of that standard."""
