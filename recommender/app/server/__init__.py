"""What the server does around the pages: start, loading, health, visitors."""
