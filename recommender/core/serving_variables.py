"""Environment variables that the serving process gets, unless they are set."""

# The serving process answers many visitors at once, a little each. What threads and allocators do
# to be fast with large tasks only takes memory here; docs/settings.md says how much.
VARIABLES = {
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    # Python's own allocator gives memory back by the megabyte, and one small object that stays
    # holds a whole one; the system's gives back each page that is free.
    "PYTHONMALLOC": "malloc",
}
