"""The RQ worker and its tasks: read, compute, store.

The parent process forks for every job, and a process with PyTorch or ONNX Runtime loaded must not fork: both
are imported inside the task alone.
"""
