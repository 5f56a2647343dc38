"""Import: files of any usual format become checked, numbered ratings and movies on disk.

`sources` says which files there are, `staging` brings each into DuckDB as text, and `importing`
checks, numbers, sorts and writes.
"""

from recommender.dataset.import_report import ImportReport
from recommender.dataset.importing import Dataset, ImportOptions, import_dataset
from recommender.dataset.sources import Source, from_directory, from_files

__all__ = [
    "Dataset",
    "ImportOptions",
    "ImportReport",
    "Source",
    "from_directory",
    "from_files",
    "import_dataset",
]
