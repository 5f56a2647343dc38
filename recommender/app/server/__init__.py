"""The server around the pages: start, loading, health, visitors."""
