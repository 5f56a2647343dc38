"""From a request to a list of movies: scoring, filtering, explaining."""
