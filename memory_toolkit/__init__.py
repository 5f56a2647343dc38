"""Where a Python program's memory is, what each action takes, and how to stay within a limit.

Import the functions from `debug_memory`. The package needs psutil and the standard library and
knows nothing of the program around it. A module imports only from those named before it::

    sizes, limit, reading, snapshot, actions, returning, tracking
"""
