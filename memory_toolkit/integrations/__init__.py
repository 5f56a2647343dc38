"""The toolkit in other systems: Prometheus, ASGI and WSGI servers."""
