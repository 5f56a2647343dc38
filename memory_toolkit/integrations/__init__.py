"""The toolkit in other systems: Prometheus."""
