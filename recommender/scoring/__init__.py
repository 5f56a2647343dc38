"""Scoring: a request becomes a list of movies, scored, filtered and explained."""
