"""Memory of Python programs: measure it, record what each action takes, stay within a limit.

Import the functions from `debug_memory`. The package needs psutil and the standard library and
knows nothing of the program around it. A module imports only from those named before it::

    sizes, limit, reading, mappings, heap, snapshot, timeline, summaries, actions, returning,
    tracking, data_limit, interrupting, guard, metrics, flame_graph

and for the command `debug-memory`, after all of these::

    processes, enclosure, ending, recorder, report, page, watched, watch, check, commands
"""

__version__ = "0.1.0"
