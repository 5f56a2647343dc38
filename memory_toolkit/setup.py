"""Puts debug_memory.py, which lies beside this folder, into what is built from it."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

FACE = "debug_memory.py"


def find_face() -> str:
    """Return the path of the face; a source distribution has it in this folder."""
    return FACE if Path(FACE).exists() else f"../{FACE}"


class BuildWithFace(build_py):
    """Adds the face as a module beside the package."""

    def run(self) -> None:
        """Build the package, and copy the face beside it."""
        super().run()
        self.copy_file(find_face(), str(Path(self.build_lib, FACE)))

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """Return the modules of a package, without those that lie in its folder only."""
        found = super().find_package_modules(package, package_dir)
        return [module for module in found if module[1] not in ("setup", "debug_memory")]


class SourcesWithFace(sdist):
    """Adds the face to a source distribution."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Make the tree of a source distribution, with the face in it."""
        super().make_release_tree(base_dir, files)
        self.copy_file(find_face(), str(Path(base_dir, FACE)))


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildWithFace, "sdist": SourcesWithFace})
