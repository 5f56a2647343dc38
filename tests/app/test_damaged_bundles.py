"""The app on a bundle that somebody has harmed: a sentence in the page, and all well afterwards."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from recommender.bundle.manifest import MANIFEST
from tests.app.components.test_frame import BUNDLE_ERROR, problem
from tests.app.conftest import OpenPage
from tests.app.drawn import titles


def mend(bundle: Path, good: Path) -> None:
    """Put the bundle `good` in the place of the other."""
    shutil.rmtree(bundle)
    shutil.copytree(good, bundle)


@pytest.mark.slow
def test_every_damaged_file_is_told_in_the_page_until_it_is_mended(
    open_page: OpenPage, own_bundle: Path, tiny_bundle: Path
) -> None:
    for original in sorted(tiny_bundle.rglob("*.*")):
        file = own_bundle / original.relative_to(tiny_bundle)
        if original.name == ".lock":
            continue
        os.truncate(file, file.stat().st_size // 2)
        page = open_page("hybrid", user="7")
        heading, sentence = problem(page)
        assert heading == BUNDLE_ERROR[0]
        assert sentence.startswith(str(file))
        mend(own_bundle, tiny_bundle)
        assert titles(page.run())


@pytest.mark.parametrize(
    "harm",
    [lambda file: os.truncate(file, 0), lambda file: file.write_bytes(bytes(file.stat().st_size))],
    ids=["cut off", "overwritten"],
)
def test_harm_to_an_open_bundle_is_told_in_the_page_until_it_is_mended(
    open_page: OpenPage, own_bundle: Path, tiny_bundle: Path, harm: Callable[[Path], object]
) -> None:
    page = open_page("hybrid", user="7")
    before = titles(page)
    (file,) = own_bundle.rglob("ranking_outputs.npy")
    harm(file)
    heading, sentence = problem(page.run())
    assert heading == BUNDLE_ERROR[0]
    assert sentence.startswith(str(file))
    mend(own_bundle, tiny_bundle)
    assert titles(page.run()) == before


def test_files_that_were_only_touched_are_checked_and_taken(
    open_page: OpenPage, own_bundle: Path
) -> None:
    page = open_page("hybrid", user="7")
    before = titles(page)
    for file in own_bundle.rglob("*.npy"):
        os.utime(file)
    assert titles(page.run()) == before


def test_a_manifest_that_is_a_pipe_is_not_waited_for(open_page: OpenPage, own_bundle: Path) -> None:
    (own_bundle / MANIFEST).unlink()
    os.mkfifo(own_bundle / MANIFEST)
    assert problem(open_page())[1].startswith(f"{own_bundle / MANIFEST}: not a manifest")
