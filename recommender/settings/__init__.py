"""The settings of a server: environment variables and the `.env` file."""
