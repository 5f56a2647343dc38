"""Puts into a wheel what a clone keeps beside the packages; pyproject.toml says everything else."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# The app's entry file, Streamlit's settings, and the sample with its terms.
PROJECT_FILES = (
    "streamlit_app.py",
    ".streamlit/config.toml",
    "data/CREDIT.txt",
    "data/README.md",
    "data/movies.parquet",
    "data/ratings.parquet",
    "data/titles_ko.csv",
)


class BuildWithProjectFiles(build_py):
    """Copies `PROJECT_FILES` to where `recommender.core.project_files` looks for them."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:  # the clone itself is what is imported
            return
        for name in PROJECT_FILES:
            copy = Path(self.build_lib, "recommender", "project_files", name)
            self.mkpath(str(copy.parent))
            self.copy_file(name, str(copy))

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """Return the modules of a package, without the script that builds the toolkit alone."""
        found = super().find_package_modules(package, package_dir)
        return [module for module in found if module[1] != "setup"]

    def get_source_files(self) -> list[str]:
        """Return what a source distribution takes along."""
        return [*super().get_source_files(), *PROJECT_FILES]


setup(cmdclass={"build_py": BuildWithProjectFiles})
