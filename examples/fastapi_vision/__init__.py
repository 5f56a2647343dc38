"""A service with two models of 130 and 338 MB, within 957 MB."""
