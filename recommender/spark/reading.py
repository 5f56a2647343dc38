"""The ratings, from any path that Spark reads, as rows that say where they stand."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    StringType,
    StructType,
    TimestampType,
)

from recommender.core.errors import DataError
from recommender.core.records import EXACT_BELOW, EXPONENT_ID, FLOAT_ID, NO_IDS
from recommender.core.time_forms import NO_STYLE, DateStyle, date_style
from recommender.dataset.archives import BZIP2, GZIP, begins_compressed
from recommender.dataset.columns import ColumnUse, column_use, find_columns
from recommender.dataset.netflix import is_ratings
from recommender.dataset.sources import layout
from recommender.dataset.text_files import NOT_UTF_8, check_encoding
from recommender.dataset.text_layout import TextLayout, find_text_layout
from recommender.dataset.times import evidence, seconds
from recommender.spark.errors import error_reason
from recommender.spark.files import FileStatus, FileSystem, escape_pattern

# What orders rows as they stand in the files: later rows have greater ones.
PLACE = ("file", "block", "number")
_BROKEN = "_broken"
_SAMPLE = 100  # lines by which the layout is known
_UNREADABLE = re.compile("FAILED_READ_FILE|CANNOT_READ_FILE|not a Parquet file")
# A number as DuckDB reads it, too; Spark alone would take "5d" for one.
_NUMBER = "^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
# What Java calls by another name.
_JAVA_NAMES = {"utf-8-sig": "utf-8", "cp949": "x-windows-949", "iso8859-1": "ISO-8859-1"}


@dataclass(frozen=True)
class RatingsLayout:
    """RatingsLayout of the files of the ratings.

    Attributes:
        parquet: whether they are Parquet.
        text: how to read them if not: as the first of them.
        many: whether there are several files.
    """

    parquet: bool
    text: TextLayout
    many: bool


def read_ratings(
    spark: SparkSession, files: FileSystem, path: str, encoding: str | None
) -> tuple[DataFrame, ColumnUse]:
    """Read the ratings at `path`: a file, a folder of part files, or a pattern.

    Columns: ``user_id``, ``movie_id``, ``rating`` and ``timestamp``, trimmed text, null where empty
    or absent; ``value``, the rating as a number, null where it is none; ``millis`` since 1970, null
    where the time alone says none (see `with_times`); ``text``, the row as it stands there;
    ``broken``, whether it has another number of fields than the header; and those of `PLACE`.

    Raises:
        DataError: the path cannot be read, or lacks a column.
    """
    found = files.find(path, "ratings")
    with unreadable(path):
        described = _layout(spark, files, path, found, encoding)
        reader = spark.read.option("recursiveFileLookup", "true")
        if described.parquet:
            frame = reader.parquet(escape_pattern(path))
            return _placed(frame, path, tuple(frame.columns), described)
        text = described.text
        schema, strict = _schema(described)
        frame = reader.csv(
            escape_pattern(path),
            schema=schema,
            sep=text.delimiter,
            quote='"' if text.quoted else "",
            escape='"' if text.quoted else "\\",
            header=text.header,
            enforceSchema=not strict,
            encoding=_java_name(spark, encoding),
            mode="PERMISSIVE",
            columnNameOfCorruptRecord=_BROKEN,
        )
        return _placed(frame, path, text.columns, described)


def with_times(rows: DataFrame, style: DateStyle) -> DataFrame:
    """Return the rows of `read_ratings` with ``millis`` as the style of their dates has it."""
    return rows if style == NO_STYLE else rows.withColumn("millis", _millis(style))


def times_evidence() -> list[Column]:
    """Return the aggregates, named, by which `date_style` knows the style of the dates."""
    return [F.expr(aggregate).alias(name) for name, aggregate in evidence().items()]


def find_style(rows: DataFrame) -> DateStyle:
    """Return the style of the dates of `rows`; goes through them once."""
    found = rows.agg(*times_evidence()).head()
    assert found is not None  # an aggregate of no rows is one row, too
    return date_style(found.asDict())


def _millis(style: DateStyle) -> Column:
    number = f"CASE WHEN timestamp RLIKE '{_NUMBER}' THEN try_cast(timestamp AS DOUBLE) END"
    found = seconds(number, "unix_micros(try_cast({} AS TIMESTAMP)) / 1e6", style)
    return F.expr(f"try_cast(rint(1000 * {found}) AS BIGINT)")


@contextmanager
def unreadable(path: str) -> Iterator[None]:
    """Turn Spark's error about an unreadable file, raised only while it reads, into one line.

    Raises:
        DataError: instead of Spark's error, if the file is to blame.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if not isinstance(error, AnalysisException) and not _UNREADABLE.search(str(error)):
            raise
        raise DataError(f"{path} cannot be read: {error_reason(error)}; check --ratings") from None


def _layout(
    spark: SparkSession, files: FileSystem, path: str, found: list[FileStatus], encoding: str | None
) -> RatingsLayout:
    first = next((file for file in found if file.size), None)
    if first is None:
        raise DataError(f"{path} is empty; check --ratings")
    start, many = files.first_bytes(first), len(found) > 1
    if begins_compressed(start) and not start.startswith((GZIP, BZIP2)):
        raise DataError(f"{path} is compressed in a way Spark does not read; give --engine local")
    if start.startswith(GZIP) and not first.name.endswith(".gz"):
        raise DataError(f"{path} is gzip, which Spark knows by the name alone; name it ….gz")
    if start.startswith(BZIP2) and not first.name.endswith(".bz2"):
        raise DataError(f"{path} is bzip2, which Spark knows by the name alone; name it ….bz2")
    file = layout(Path(first.name), "ratings", start)
    if file.parquet:
        return RatingsLayout(True, TextLayout("", False, (), False, 1), many)
    if file.json:
        raise DataError(f"{path} is JSON, which Spark does not read here; give --engine local")
    text = spark.read.text(escape_pattern(path), recursiveFileLookup=True)
    lines = [str(row[0]) for row in text.where(F.trim("value") != "").take(_SAMPLE)]
    if not lines:
        raise DataError(f"{path} is empty; check --ratings")
    lines[0] = lines[0].removeprefix("\ufeff")
    if encoding is None and not {"\ufffd", "\0"}.isdisjoint(lines[0]):
        raise DataError(f"{path}: its first line {NOT_UTF_8}")
    if is_ratings(lines):
        raise DataError(f"{path} has a block for each movie; give --engine local")

    def records(delimiter: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
        if quoted:
            return enumerate(csv.reader(lines, delimiter=delimiter), 1)
        return enumerate((line.split(delimiter) for line in lines), 1)

    return RatingsLayout(False, find_text_layout(path, file, lines[0], records), many)


def _schema(described: RatingsLayout) -> tuple[str, bool]:
    """The columns, all text, and whether each file's header must have the same names."""
    names = [name.strip() for name in described.text.columns]
    strict = (
        described.many
        and described.text.header
        and len({name.lower() for name in names}) == len(names)
    )
    if not strict:
        names = [f"c{position}" for position in range(len(names))]
    quoted = ["`{}`".format(name.replace("`", "``")) for name in [*names, _BROKEN]]
    return ", ".join(f"{name} STRING" for name in quoted), strict


def _placed(
    frame: DataFrame, path: str, columns: tuple[str, ...], described: RatingsLayout
) -> tuple[DataFrame, ColumnUse]:
    """The columns that `read_ratings` promises; `columns` are the names in the file."""
    found = find_columns(path, "ratings", columns)
    schema: StructType = frame.schema
    all_columns = [_quoted(field.name) for field in schema.fields if field.name != _BROKEN]

    def part(name: str) -> Column:
        if name not in found:
            return F.lit(None).cast("string")
        field = schema.fields[found[name]]
        text = F.trim(_as_text(_quoted(field.name), field.dataType, name))
        if name.endswith("_id"):
            number = F.when(text.rlike(rf"^{EXPONENT_ID}\z"), text.try_cast("double"))
            exact = (number == F.rint(number)) & (F.abs(number) < EXACT_BELOW)
            whole = F.when(exact, number.cast("bigint").cast("string"))
            text = F.when(~text.isin(*NO_IDS), text)
            text = F.coalesce(whole, F.regexp_replace(text, rf"^{FLOAT_ID}\z", "$1"))
        if name == "rating":
            text = F.regexp_replace(text, r"^([+-]?[0-9]+),([0-9]{1,2})\z", "$1.$2")
        return F.when(text != "", text).alias(name)

    joined = F.concat_ws(
        described.text.delimiter or ",",
        *(F.coalesce(one.cast("string"), F.lit("")) for one in all_columns),
    )
    corrupt = F.lit(None).cast("string") if described.parquet else F.col(_BROKEN)
    texts = frame.select(
        *(part(name).alias(name) for name in ("user_id", "movie_id", "rating", "timestamp")),
        F.coalesce(corrupt, joined).alias("text"),
        corrupt.isNotNull().alias("broken"),
        F.col("_metadata.file_path").alias("file"),
        F.col("_metadata.file_block_start").alias("block"),
        F.monotonically_increasing_id().alias("number"),
    )
    rows = texts.select(
        *texts.columns,
        F.when(F.col("rating").rlike(_NUMBER), F.expr("try_cast(rating AS DOUBLE)")).alias("value"),
        _millis(NO_STYLE).alias("millis"),
    )

    named = described.parquet or described.text.header
    return rows, column_use(PurePosixPath(path).name, columns, found, named)


def _as_text(column: Column, kind: DataType, name: str) -> Column:
    """A column of any type as the text that the local import has for it."""
    if name == "timestamp" and isinstance(kind, TimestampType):
        # With the offset, as the session may have another time zone than UTC.
        return F.date_format(column, "yyyy-MM-dd HH:mm:ss.SSSSSSxxx")
    if name.endswith("_id") and isinstance(kind, (DoubleType, FloatType, DecimalType)):
        # pandas turns a column of integers into floats when one of them is missing.
        text = column.cast("string")
        whole = column.try_cast("decimal(38,0)").cast("string")
        return F.when(column == F.rint(column), F.coalesce(whole, text)).otherwise(
            F.when(text != "NaN", text)
        )
    return column if isinstance(kind, StringType) else column.cast("string")


def _quoted(name: str) -> Column:
    return F.col("`{}`".format(name.replace("`", "``")))


def _java_name(spark: SparkSession, encoding: str | None) -> str:
    """Return Java's name of an encoding of Python's.

    Raises:
        DataError: one of them does not know it.
    """
    encoding = encoding or "utf-8"
    check_encoding(encoding)
    name = codecs.lookup(encoding).name
    name = _JAVA_NAMES.get(name, name)
    java: Any = spark.sparkContext._jvm
    if not java.java.nio.charset.Charset.isSupported(name):
        raise DataError(
            f"--encoding {encoding}: Spark has no such encoding; make the ratings UTF-8, or give "
            "--engine local"
        )
    return name
