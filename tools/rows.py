"""Files as rows: CSV, XLSX and NDJSON, read as a stream, each row with the number by which people find it."""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from shared.errors import BadSettings

_ENCODINGS = ("utf-8-sig", "gb18030")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `number` counts as spreadsheets do (the header is 1), or lines in NDJSON."""

    number: int
    values: dict[str, Any]
    fault: str | None = None
    """Why it could not be read."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file being read: its rows, and how much of it is done."""

    columns: list[str]
    """As the header names them; empty where each row has names of its own (NDJSON)."""
    rows: Iterator[Row]
    total: float
    done: Callable[[], float] = field(repr=False)
    """How much of `total` has been read."""


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a file by its extension. Raises `BadSettings` when it is of no known form."""
    openers = {".csv": _open_csv, ".xlsx": _open_xlsx, ".ndjson": _open_ndjson, ".jsonl": _open_ndjson}
    opener = openers.get(path.suffix.lower())
    if opener is None:
        raise BadSettings(f"{path}: only {', '.join(openers)} files can be replayed")
    with opener(path) as source:
        yield source


@contextmanager
def _open_csv(path: Path) -> Iterator[Source]:
    csv.field_size_limit(sys.maxsize)  # a text may be longer than the reader's default limit
    with path.open("rb") as raw, TextIOWrapper(raw, encoding=_encoding(path), newline="") as file:
        header = file.readline()
        file.seek(0)
        reader = csv.DictReader(file, delimiter=max(",;\t", key=header.count), restkey="more", strict=False)
        columns = [str(name) for name in reader.fieldnames or []]
        yield Source(columns, _csv_rows(reader), path.stat().st_size, lambda: float(raw.tell()))


def _csv_rows(reader: "csv.DictReader[str]") -> Iterator[Row]:
    for number, values in enumerate(reader, start=2):
        yield Row(number, dict(values))


def _encoding(path: Path) -> str:
    """The first encoding in which the whole file can be read."""
    for encoding in _ENCODINGS:
        if _reads_as(path, encoding):
            return encoding
    raise BadSettings(f"{path} is neither UTF-8 nor GB 18030: save it as UTF-8")


def _reads_as(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding) as file:
            while file.read(_CHUNK):
                pass
    except UnicodeDecodeError:
        return False
    return True


@contextmanager
def _open_ndjson(path: Path) -> Iterator[Source]:
    with path.open("rb") as file:
        yield Source([], _ndjson_rows(file), path.stat().st_size, lambda: float(file.tell()))


def _ndjson_rows(file: IO[bytes]) -> Iterator[Row]:
    for number, line in enumerate(file, start=1):
        if line.strip():
            yield _ndjson_row(number, line.removeprefix(b"\xef\xbb\xbf"))


def _ndjson_row(number: int, line: bytes) -> Row:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Row(number, {}, f"not JSON: {error}")
    if not isinstance(values, dict):
        return Row(number, {}, f"not a JSON object but a {type(values).__name__}")
    return Row(number, values)


@contextmanager
def _open_xlsx(path: Path) -> Iterator[Source]:
    import openpyxl  # only here: it takes as long to import as the rest of the command

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # the reader raises whatever a broken zip or XML raises
        raise BadSettings(f"{path} cannot be read as XLSX ({error}): save it again, or export it as CSV") from None
    try:
        sheet = book.worksheets[0]
        lines = enumerate(sheet.iter_rows(values_only=True), start=1)
        header = next((cells for _, cells in lines if any(cell is not None for cell in cells)), ())
        columns = [str(name).strip() if name is not None else "" for name in header]
        counter = _Counter(lines, columns)
        yield Source([name for name in columns if name], iter(counter), sheet.max_row or 0, lambda: counter.number)
    finally:
        book.close()


class _Counter:
    """The rows of a sheet below its header; knows how far it is."""

    def __init__(self, lines: Iterator[tuple[int, tuple[Any, ...]]], columns: list[str]) -> None:
        self._lines, self._columns = lines, columns
        self.number = 0.0

    def __iter__(self) -> Iterator[Row]:
        """Rows that hold anything at all."""
        for number, cells in self._lines:
            self.number = number
            if any(cell is not None for cell in cells):
                yield Row(number, {name: cell for name, cell in zip(self._columns, cells, strict=False) if name})
