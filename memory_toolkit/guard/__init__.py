"""Keeping a process below its memory limit."""
