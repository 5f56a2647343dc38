"""Matinee and other libraries' ranking models on the same splits, in one run.

`datasets` has the data sets, `libraries` and `models` what is compared, `job` tunes and fits one
model in a process of its own, and `table` sums up what the jobs found.
"""
