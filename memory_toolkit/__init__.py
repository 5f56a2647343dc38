"""Memory of Python programs: measure it, record what each action takes, stay within a limit.

Import the functions from `debug_memory`. The package needs psutil and the standard library and
knows nothing of the program around it. A module imports only from those named before it::

    sizes, limit, thrashing, reading, processes, children, mappings, heap, snapshot, stage_log,
    timeline, summaries, flight_recorder, actions, returning, tracking, data_limit, interrupting,
    evictable, peers, blas_buffers, guard, lazy, batches, metrics, flame_graph

and for the command `debug-memory`, after all of these::

    enclosure, ending, recorder, report, page, watched, watch, check, commands
"""

__version__ = "0.1.0"
