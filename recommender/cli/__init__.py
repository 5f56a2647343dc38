"""The command line `matinee`, a file a command."""
