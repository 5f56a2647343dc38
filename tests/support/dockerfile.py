"""The instructions of deploy/Dockerfile, and how to carry them out in a folder, without Docker."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

FILE = ROOT / "deploy" / "Dockerfile"
# For what needs a container of its own: packages of the system, and its users.
_LEFT_OUT = ("apt-get", "useradd")


@dataclass(frozen=True)
class Instruction:
    """One instruction; `stage` is the name of its stage, or "" in the last."""

    stage: str
    word: str
    rest: str

    def command(self) -> list[str]:
        """The words of an instruction in exec form."""
        words: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return words

    def variables(self) -> dict[str, str]:
        """Return what an ENV instruction sets."""
        return dict(word.split("=", 1) for word in shlex.split(self.rest))


def read(file: Path = FILE) -> list[Instruction]:
    """All instructions of the file."""
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found, stage = [], ""
    for line in filter(None, text.splitlines()):
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            stage = rest.partition(" AS ")[2]
        found.append(Instruction(stage, word, rest))
    return found


def only(word: str, stage: str = "") -> Instruction:
    """The one instruction of its kind in a stage."""
    (found,) = (one for one in read() if (one.stage, one.word) == (stage, word))
    return found


class Image:
    """The stages of the image, as folders below `folder`; absolute paths are taken from there.

    Args:
        python: the interpreter that the base image would have.
        instead: folders to copy from in the place of the project's own, by the project's path.
    """

    def __init__(self, folder: Path, python: str, instead: Mapping[str, Path]) -> None:
        self._folder = folder
        self._instead = instead
        programs = folder / "programs"
        programs.mkdir()
        (programs / "python").symlink_to(python)
        self.variables = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder / "home")}
        self.working = folder

    def path(self, text: str) -> Path:
        """Return where a path of the image is."""
        return Path(f"{self._folder}{text}") if text.startswith("/") else self.working / text

    def carry_out(self, stage: str) -> None:
        """Do what a stage says.

        Raises:
            CalledProcessError: a command failed.
        """
        for one in read():
            if one.stage == stage:
                getattr(self, f"_{one.word.lower()}", lambda _: None)(one)

    def _workdir(self, one: Instruction) -> None:
        self.working = self.path(one.rest)
        self.working.mkdir(parents=True, exist_ok=True)

    def _env(self, one: Instruction) -> None:
        for name, value in one.variables().items():
            value = value.replace("$PATH", self.variables["PATH"])
            self.variables[name] = self.placed(value)

    def placed(self, text: str) -> str:
        """`text` with the image's own folders where they are."""
        return re.sub(r"(?<![\w.])/(?=(opt|app|data|build)\b)", f"{self._folder}/", text)

    def _copy(self, one: Instruction) -> None:
        words = one.rest.split()
        from_stage = words[0].startswith("--from=")
        *sources, target = words[1:] if from_stage else words
        for source in sources:
            origin = self.path(source) if from_stage else self._instead.get(source, ROOT / source)
            place = self.path(target)
            if target.endswith("/"):
                place /= origin.name
            if origin == place:  # what an earlier stage made and this one takes along
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if origin.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.so")
                shutil.copytree(origin, place, ignore=ignored, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy(origin, place)

    def _run(self, one: Instruction) -> None:
        if one.rest.startswith(_LEFT_OUT):
            return
        subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", self.placed(one.rest)],
            cwd=self.working,
            env={**os.environ, **self.variables},
            check=True,
        )


def copied() -> Iterator[str]:
    """Return what the image takes from the project's folder."""
    for one in read():
        if one.word == "COPY" and not one.rest.startswith("--from="):
            yield from one.rest.split()[:-1]
