"""Memory of a running Python program: where it is, what each action took, how to get it back.

This file and the folder `memory_toolkit` beside it need psutil and the standard library and know
nothing of the program around them: import it from any Python or Streamlit app, or run it::

    python debug_memory.py --help

The words. A process's *own* memory is its anonymous and shared pages (RssAnon + RssShmem): what
counts against a container's limit and gets a process killed. *File* pages (RssFile) belong to
mapped files; the kernel takes them back when it needs them, so they are counted apart. RSS is the
sum of the three. All figures are in bytes; printed ones are in MB of 1024 x 1024 bytes.
"""

from memory_toolkit import __version__
from memory_toolkit.guard.batches import BatchReport, batches
from memory_toolkit.guard.blas_buffers import take_blas_buffers
from memory_toolkit.guard.guard import Busy, Guard, GuardState
from memory_toolkit.guard.lazy import Lazy
from memory_toolkit.integrations.metrics import (
    Metric,
    action_metrics,
    memory_metrics,
    metrics_text,
)
from memory_toolkit.integrations.streamlit import streamlit_memory_page, streamlit_panel
from memory_toolkit.measure.limit import (
    LIMIT_VARIABLE,
    Group,
    Limit,
    configure_memory_limit,
    memory_limit,
)
from memory_toolkit.measure.reading import Reading
from memory_toolkit.measure.returning import Returned, return_memory
from memory_toolkit.measure.sizes import MB, format_bytes, parse_size
from memory_toolkit.measure.snapshot import Snapshot, snapshot
from memory_toolkit.record.actions import (
    ActionRecord,
    action,
    actions,
    clear_actions,
    identify_sessions,
)
from memory_toolkit.record.saved import save_snapshot
from memory_toolkit.record.summaries import Summary, summaries
from memory_toolkit.record.timeline import Point, Timeline
from memory_toolkit.record.tracking import (
    Line,
    count_objects,
    is_tracking,
    memory_profiler,
    print_memory_usage,
    show_top_memory_usage,
    start_memory_tracking,
    stop_memory_tracking,
    top_lines,
)

__all__ = [
    "LIMIT_VARIABLE",
    "MB",
    "ActionRecord",
    "BatchReport",
    "Busy",
    "Group",
    "Guard",
    "GuardState",
    "Lazy",
    "Limit",
    "Line",
    "Metric",
    "Point",
    "Reading",
    "Returned",
    "Snapshot",
    "Summary",
    "Timeline",
    "__version__",
    "action",
    "action_metrics",
    "actions",
    "batches",
    "clear_actions",
    "configure_memory_limit",
    "count_objects",
    "format_bytes",
    "identify_sessions",
    "is_tracking",
    "memory_limit",
    "memory_metrics",
    "memory_profiler",
    "metrics_text",
    "parse_size",
    "print_memory_usage",
    "return_memory",
    "save_snapshot",
    "show_top_memory_usage",
    "snapshot",
    "start_memory_tracking",
    "stop_memory_tracking",
    "streamlit_memory_page",
    "streamlit_panel",
    "summaries",
    "take_blas_buffers",
    "top_lines",
]

if __name__ == "__main__":
    import sys

    from memory_toolkit.cli.commands import main

    sys.exit(main())
