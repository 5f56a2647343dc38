"""The manifest of a bundle: which files belong to it, and what the training says of itself.

The manifest is read once, into typed records; a wrong kind of value is an error in one line.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recommender.bundle.feedback import STARS
from recommender.bundle.files import TRAIN_AGAIN, FileEntry
from recommender.bundle.records import read_record
from recommender.core.errors import BundleError

FORMAT = "matinee-bundle"
VERSION = 4
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 24
# What lies beside the data and outlasts it begins so, see `recommender.search.semantic.embed`.
SEMANTIC = "semantic"
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Manifest:
    """The content of ``manifest.json``.

    Attributes:
        created: when the bundle was written, ISO 8601, UTC.
        data: the name of the folder with the files.
        files: length and checksum of each file, by name.
        info: what the writer of the bundle says of it, JSON; see `TrainingRecord`.
    """

    created: str
    data: str
    files: Mapping[str, FileEntry]
    info: Mapping[str, Any]


@dataclass(frozen=True)
class DataRecord:
    """The data that a bundle was trained on.

    Attributes:
        users, movies, ratings: how many there are.
        mean_rating: the mean of all ratings.
        scale: lowest and highest rating.
        fingerprint: of what was imported; equal data have equal ones.
        report: lines that say what was read and what was passed over.
        trained_users, trained_movies: how many took part in training the stars model.
        genres: all genres, in the order of their bits in `MovieFacts`.
        feedback: what the ratings are, see `bundle.feedback`.
    """

    users: int
    movies: int
    ratings: int
    mean_rating: float
    scale: tuple[float, float]
    fingerprint: str
    report: tuple[str, ...]
    trained_users: int
    trained_movies: int
    genres: tuple[str, ...]
    feedback: str = STARS

    @property
    def has_stars(self) -> bool:
        """True if predicted ratings are stars that can be shown."""
        return self.feedback == STARS


@dataclass(frozen=True)
class SettingsRecord:
    """The settings of a training; see `training.pipeline.TrainingSettings`."""

    min_user_ratings: int
    min_movie_ratings: int
    max_features: int
    stars: Mapping[str, float]
    ranking: Mapping[str, Any]
    credit: str = ""
    imports: Mapping[str, Any] = field(default_factory=dict)
    relevant: Any = "liked"
    choose: bool = True


@dataclass(frozen=True)
class StageRecord:
    """The cost of one stage of a training.

    Attributes:
        name: "import", a model's name, or "catalogue".
        seconds: how long it took.
        peak: the most memory of its own that the process was seen to hold, in bytes.
        disk: the most disk space that was seen taken in the folder, in bytes.
        reused: whether an earlier run did it.
    """

    name: str
    seconds: float
    peak: int
    disk: int
    reused: bool = False


@dataclass(frozen=True)
class QualityRecord:
    """The quality of a bundle's models on held-out ratings; see `evaluation.judging.quality`.

    Attributes:
        users: how many users' lists were judged.
        ndcg, popularity_ndcg: NDCG@10 of the ranking model and of popularity.
        mae: mean absolute error of predicted stars.
    """

    users: int
    ndcg: float
    popularity_ndcg: float
    mae: float


@dataclass(frozen=True)
class TrainingRecord:
    """Record that a training leaves in the manifest: itself, and the bundle it wrote.

    Attributes:
        settings: its settings.
        engine: "local" or "spark".
        data: the data it was trained on.
        models: the numbers that each model keeps beside its arrays, by the model's name.
        shards: the first user of each shard.
        seconds: how long it took.
        stages: the cost of each stage.
        quality: how good the models are; None if that was not measured.
    """

    settings: SettingsRecord
    engine: str
    data: DataRecord
    models: Mapping[str, Mapping[str, float]]
    shards: tuple[int, ...]
    seconds: float
    stages: tuple[StageRecord, ...] = field(default_factory=tuple)
    quality: QualityRecord | None = None

    @classmethod
    def read(cls, info: Mapping[str, Any], path: Path) -> TrainingRecord:
        """Return the record in the manifest of the bundle at `path`.

        Raises:
            BundleError: something is missing, or of the wrong kind.
        """
        try:
            return read_record(cls, dict(info), "info")
        except ValueError as error:
            raise BundleError(f"{path / MANIFEST}: {error}; {TRAIN_AGAIN}") from None


def manifest_stamp(path: str | Path) -> tuple[int, int] | None:
    """Return what identifies the manifest now at `path` (inode, modification time), or None.

    It changes when a new bundle takes the old one's place, and costs one `stat`.
    """
    try:
        status = (Path(path) / MANIFEST).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def read_manifest(path: Path) -> tuple[tuple[int, int], Manifest]:
    """Return the stamp (see `manifest_stamp`) and the content of the manifest at `path`, checked.

    Raises:
        BundleError: there is none, or it is of another format version, truncated or altered.
    """
    file = path / MANIFEST
    stamp = manifest_stamp(path)
    try:
        mode, length = (status := file.stat()).st_mode, status.st_size
        if not stat.S_ISREG(mode) or length > MAX_MANIFEST_BYTES:  # a pipe would be waited for
            raise BundleError(f"{file}: not a manifest; {TRAIN_AGAIN}")
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BundleError(
            f"{path}: there is no bundle here; make one with `matinee train --out {path}`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{file}: cannot be read ({error}); {TRAIN_AGAIN}") from error
    try:
        manifest = json.loads(text)
        is_bundle = manifest["format"] == FORMAT
        version = manifest["version"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BundleError(f"{file}: damaged; {TRAIN_AGAIN}") from None
    if not is_bundle:
        raise BundleError(f"{file}: not a Matinee bundle")
    if version != VERSION:
        raise BundleError(
            f"{path}: bundle format {version}, but this Matinee reads format {VERSION}; "
            f"{TRAIN_AGAIN}"
        )
    try:
        is_whole = manifest.pop("checksum", None) == manifest_checksum(manifest)
    except (ValueError, RecursionError):  # letters that no text holds, or too deep
        is_whole = False
    if stamp is None or not is_whole:
        raise BundleError(f"{file}: altered or damaged; {TRAIN_AGAIN}")
    try:
        found = read_record(Manifest, manifest, "manifest")
    except ValueError as error:
        raise BundleError(f"{file}: {error}; {TRAIN_AGAIN}") from None
    if not all(map(_SAFE_NAME.fullmatch, [found.data, *found.files])):
        raise BundleError(f"{file}: altered or damaged; {TRAIN_AGAIN}")
    return stamp, found


def manifest_checksum(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest, as JSON, without its own checksum."""
    canonical = json.dumps(manifest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
