"""Finding movies by title, facts and description."""
