"""Measuring memory: this process, other processes, and the limit that holds."""
