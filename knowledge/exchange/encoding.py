"""Bytes to text: UTF-8 or UTF-16 by their marks, else the Windows encodings of the product's languages, told apart."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import BinaryIO, Final

from knowledge.exchange.records import Reading
from knowledge.files import FileProblem

SAMPLE: Final = 1024 * 1024
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMES: Final = {"cp1250": "Windows-1250", "cp1251": "Windows-1251", "cp1252": "Windows-1252"}
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_WESTERN: Final = frozenset("àèéìíòóùúçëêâîôûäöüÀÈÉÌÍÒÓÙÚÇËÊÂÄÖÜ«»„“”’‘–—…€°§©®·\u00a0£")
"""What Italian, Albanian and English texts hold beside ASCII. Polish and Czech ones soon hold something else."""


def known_encoding(name: str) -> bool:
    """Whether an encoding of this name exists and gives text."""
    try:
        return bool("a".encode(name))
    except (LookupError, ValueError, TypeError):
        return False


def decoded(path: Path, raw: bytes, reading: Reading) -> str:
    """A whole file's text. Raises FileProblem."""
    encoding = _of(raw[:4], raw[:SAMPLE], lambda: _utf8(raw), reading, path)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as problem:
        raise FileProblem(path, None, f"not {encoding} at byte {problem.start}") from problem


def encoding_of(path: Path, file: BinaryIO, reading: Reading) -> str:
    """The encoding of a stream, read once to its end. What is wrong with it shows when it is decoded."""
    start = file.read(SAMPLE)
    decoder = codecs.getincrementaldecoder("utf-8")()
    chunk, sample, sound = start, start, True
    while chunk:
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            sample, sound = chunk, False
            break
        chunk = file.read(SAMPLE)
    return _of(start[:4], sample, lambda: sound, reading, path)


def _of(head: bytes, sample: bytes, is_utf8: object, reading: Reading, path: Path) -> str:
    if reading.encoding:
        return reading.encoding
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\x00" in sample[:4096] and (wide := _wide(sample[:4096])):
        reading.remark(f"{path.name}: read as {wide.upper()}")
        return wide
    if callable(is_utf8) and is_utf8():
        return "utf-8"
    guess = _windows(sample)
    reading.remark(f"{path.name}: not UTF-8, read as {_NAMES[guess]}; if letters look wrong, name the encoding")
    return guess


def _utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _wide(sample: bytes) -> str | None:
    """UTF-16 without its mark: in texts with spaces and line ends, one byte of a pair is mostly zero."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > half * 0.1 and even < odd / 10:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.1 and odd < even / 10 else None


def _windows(sample: bytes) -> str:
    """Russian words are Cyrillic from end to end; what another encoding makes Cyrillic stands among Latin letters."""
    words = [word for word in _WORD.findall(sample.decode("cp1251", "replace")) if not word.isascii()]
    whole = sum(all("Ѐ" <= letter <= "ӿ" for letter in word) for word in words)
    if words and whole > len(words) * 0.6:
        return "cp1251"
    foreign = {letter for letter in sample.decode("cp1252", "replace") if letter > "\x7f"}
    return "cp1252" if foreign <= _WESTERN else "cp1250"
