"""The files at the top of the project that the package needs.

In a clone they lie beside the package; a wheel carries them inside it, see ``setup.py``.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_CARRIED = _PACKAGE / "project_files"
_FOLDER = _CARRIED if _CARRIED.is_dir() else _PACKAGE.parent
# The file that Streamlit runs; its settings lie beside it, in .streamlit/config.toml.
APP = _FOLDER / "streamlit_app.py"
# The program that starts several processes of the app behind one port.
SUPERVISOR = _PACKAGE / "app" / "server" / "supervisor.py"
# The folder of the sample: ratings.parquet, movies.parquet, titles_ko.csv, and their terms in
# README.md and CREDIT.txt.
SAMPLE = _FOLDER / "data"
