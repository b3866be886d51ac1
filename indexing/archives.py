"""Office files are zip archives: look into one before a parser unpacks it."""

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator

from fundstelle.indexing.files import ReadingError

MAX_UNPACKED_BYTES = 500_000_000
MAX_RATIO = 200
"""Office files shrink 3 to 50 times; the limit of the method is about 1000, which only bombs come near."""

_FREE_BYTES = 10_000_000  # below this no ratio does harm
_PIECE = 1 << 20
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def check_office(data: bytes) -> None:
    """Raise a ReadingError unless `data` is a whole archive that unpacks to a sane size.

    What the archive declares is checked first, then what it really unpacks to, which also finds damage.
    """
    if data.startswith(_OLD_OFFICE):
        raise ReadingError(_old_office(data))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_size(sum(member.file_size for member in members), len(data))
            unpacked = 0
            for member in members:
                for size in _unpack(archive, member):
                    unpacked += size
                    _check_size(unpacked, len(data))
    except _DAMAGE as error:
        raise ReadingError(
            "The file is cut off, damaged or not an Office file; open it in its program and save it again."
        ) from error


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[int]:
    """The sizes of the pieces that `member` unpacks to, one at a time; at its end its checksum is verified."""
    with archive.open(member) as file:
        while piece := file.read(_PIECE):
            yield len(piece)


def _check_size(unpacked: int, packed: int) -> None:
    if unpacked > MAX_UNPACKED_BYTES or unpacked > max(_FREE_BYTES, packed * MAX_RATIO):
        raise ReadingError(
            f"The file unpacks from {packed / 1e6:,.1f} MB to more than {unpacked / 1e6:,.0f} MB, as archives "
            "do that are made to do harm; if it is sound, save its content as several smaller files."
        )


def _old_office(data: bytes) -> str:
    import olefile  # type: ignore[import-untyped]

    with olefile.OleFileIO(io.BytesIO(data)) as container:
        if container.exists("EncryptedPackage"):
            return "The file is protected by a password; save a copy without one."
    return "This is an Office file of the time before 2007; save it in today's format (.docx, .pptx, .xlsx)."
