"""Files that are broken, locked or made to do harm each fail with one clear sentence."""

import io
import re
import struct
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from random import Random

import docx
import openpyxl
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from fundstelle.indexing.files import ReadingError
from fundstelle.indexing.formats import SUFFIXES, read


def pdf(text: str, user_password: str | None = None, owner_password: str | None = None) -> bytes:
    lock = StandardEncryption(user_password or "", owner_password, strength=128) if owner_password else None
    stream = io.BytesIO()
    canvas = Canvas(stream, encrypt=lock)
    if text:
        canvas.drawString(60, 700, text)
    else:
        canvas.rect(10, 10, 99, 99)
    canvas.save()
    return stream.getvalue()


def docx_file(text: str = "Words") -> bytes:
    stream = io.BytesIO()
    document = docx.Document()
    document.add_paragraph(text)
    document.save(stream)
    return stream.getvalue()


def xlsx_file() -> bytes:
    stream = io.BytesIO()
    openpyxl.Workbook().save(stream)
    return stream.getvalue()


def bomb(member: str = "word/document.xml", size: int = 60_000_000) -> bytes:
    """An Office file of some 60 kB whose text unpacks to 60 MB."""
    stream = io.BytesIO(docx_file())
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"copy of {member}", bytes(size))
    return stream.getvalue()


def lying(archive: bytes) -> bytes:
    """`archive` with each size in its directory declared to be 10 bytes."""
    declared = bytearray(archive)
    for entry in re.finditer(rb"PK\x01\x02", archive):
        declared[entry.start() + 24 : entry.start() + 28] = struct.pack("<I", 10)
    return bytes(declared)


def locked_zip() -> bytes:
    """An Office file with the flag of encryption set on every member."""
    data = bytearray(docx_file())
    for entry in re.finditer(rb"PK\x01\x02", bytes(data)):
        data[entry.start() + 8] |= 1
    return bytes(data)


def damaged(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(200) + data[middle + 200 :]


def encrypted_mail() -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "a@example.org", "secret"
    message.add_header("Content-Type", "application/pkcs7-mime", smime_type="enveloped-data")
    return message.as_bytes()


def cut_mail() -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "a@example.org", "cut"
    message.set_content("Text.")
    message.add_attachment("More text. " * 99, filename="a.txt")
    return message.as_bytes()[:-300]


HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "unknown type": (
        "a.xyz",
        lambda: b"x",
        r"Files of type \.xyz cannot be read; those that can are: .*\.docx",
    ),
    "no ending": ("README", lambda: b"x", "Files without an ending cannot be read"),
    "old Office": ("a.doc", lambda: b"x", r"save it as \.docx"),
    "empty": ("a.pdf", bytes, r"^The file is empty\.$"),
    "blank": ("a.md", lambda: b" \r\n\t\n", "no text in the file"),
    "nothing but a mark": ("a.txt", lambda: b"\xef\xbb\xbf", "no text in the file"),
    "binary": ("a.txt", lambda: b"\x7fELF" + bytes(range(256)) * 9, "binary data"),
    "locked PDF": ("a.pdf", lambda: pdf("Words", "user", "owner"), "protected by a password"),
    "cut PDF": ("a.pdf", lambda: pdf("Words")[:-400], "PDF is cut off"),
    "broken PDF": ("a.pdf", lambda: b"%PDF-1.7\n" + bytes(99) + b"\n%%EOF", "PDF is damaged"),
    "scanned PDF": ("a.pdf", lambda: pdf(""), "no text layer"),
    "no PDF": ("a.pdf", lambda: b"<html>404</html>", "is not a PDF"),
    "cut DOCX": ("a.docx", lambda: docx_file()[:-400], "cut off, damaged or not an Office file"),
    "damaged DOCX": ("a.docx", lambda: damaged(docx_file()), "damaged"),
    "no DOCX": ("a.docx", lambda: b"plain words", "not an Office file"),
    "other Office file": ("a.docx", xlsx_file, "damaged or not what its name says"),
    "DOCX without text": ("a.docx", lambda: docx_file(""), "no text in the file"),
    "zip bomb": ("a.docx", bomb, "unpacks from 0.1 MB to 6[01] MB"),
    "zip bomb as XLSX": ("a.xlsx", bomb, "made to do harm"),
    "zip bomb with false sizes": ("a.docx", lambda: lying(bomb()), "damaged"),
    "locked archive": ("a.pptx", locked_zip, "damaged"),
    "broken JSON": ("a.json", lambda: b'{\n"text": "a",\n"title": }', "not valid JSON in line 3, column 10"),
    "broken JSON line": ("a.jsonl", lambda: b'{"text": "a"}\n\n{"text": "b"\n', "not valid JSON in line 3"),
    "JSON of something else": ("a.json", lambda: b'[{"text": "a"}, {"name": "b"}]', 'Record 2 has no "text"'),
    "JSON line of something else": ("a.jsonl", lambda: b'{"text": "a"}\n[1]', 'Line 2 has no "text"'),
    "JSON number": ("a.json", lambda: b"7", 'Record 1 has no "text"'),
    "deep JSON": ("a.json", lambda: b"[" * 200_000, "not JSON that can be read"),
    "long number in JSON": (
        "a.json",
        lambda: b'{"text": "a", "n": ' + b"9" * 5000 + b"}",
        "not JSON that can be read",
    ),
    "locked mail": ("a.eml", encrypted_mail, "encrypted"),
    "cut mail": ("a.eml", cut_mail, "cut off"),
    "no mail": ("a.eml", lambda: b"just words\n", "not an e-mail"),
    "no Outlook mail": ("a.msg", lambda: b"just words\n", "damaged or not what its name says"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_has_one_clear_sentence(tmp_path: Path, case: str) -> None:
    """Whatever is wrong with a file, it fails as a ReadingError of one line that says what."""
    name, make, sentence = HOSTILE[case]
    path = tmp_path / name
    path.write_bytes(make())
    with pytest.raises(ReadingError, match=sentence) as raised:
        read(path, name)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_documents_that_only_their_owner_may_change_are_read(tmp_path: Path) -> None:
    """A PDF that anyone may open is read even if changing it is locked."""
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf("Words", None, "owner"))
    assert read(path, "a.pdf")[0].text == "Words"


def test_texts_above_the_limit_are_refused(tmp_path: Path) -> None:
    """The limit of bytes and the limit of characters are each named in the sentence."""
    path = tmp_path / "a.txt"
    path.write_text("ab" * 50)
    assert read(path, "a.txt", max_bytes=100, max_characters=100)
    with pytest.raises(ReadingError, match="and the limit is"):
        read(path, "a.txt", max_bytes=99)
    with pytest.raises(ReadingError, match="more than 99 characters"):
        read(path, "a.txt", max_characters=99)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_noise_is_refused_or_read_but_breaks_nothing(tmp_path: Path, suffix: str) -> None:
    """No reader fails on noise with anything but a ReadingError, whatever start makes the noise look right."""
    for start in (
        b"",
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\xff\xfe",
        b"From: a\n\n",
        b"{",
    ):
        path = tmp_path / f"noise{suffix}"
        path.write_bytes(start + Random(start).randbytes(3000) + b"%%EOF")
        with pytest.raises(ReadingError):
            read(path, path.name)
