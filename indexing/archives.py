"""Office files are zip archives: look into one before a parser unpacks it."""

import io
import lzma
import zipfile
import zlib

from fundstelle.indexing.files import ReadingError

MAX_UNPACKED_BYTES = 500_000_000
MAX_RATIO = 200
"""Office files shrink 3 to 50 times; the limit of the method is about 1000, which only bombs come near."""

_FREE_BYTES = 10_000_000  # below this no ratio does harm
_DAMAGED = "The file is cut off, damaged or not an Office file; open it in its program and save it again."
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

    The size an archive declares binds: `zipfile`, through which all parsers read, unpacks no byte more,
    and then the checksum fails. So the declared size is checked first, then all checksums.
    """
    if data.startswith(_OLD_OFFICE):
        raise ReadingError(_old_office(data))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > MAX_UNPACKED_BYTES or unpacked > max(_FREE_BYTES, len(data) * MAX_RATIO):
                raise ReadingError(
                    f"The file unpacks from {len(data) / 1e6:,.1f} MB to {unpacked / 1e6:,.0f} MB, as archives do "
                    "that are made to do harm; if it is sound, save its content as several smaller files."
                )
            damaged = archive.testzip()
    except _DAMAGE as error:
        raise ReadingError(_DAMAGED) from error
    if damaged:
        raise ReadingError(_DAMAGED)


def _old_office(data: bytes) -> str:
    import olefile  # type: ignore[import-untyped]

    with olefile.OleFileIO(io.BytesIO(data)) as container:
        if container.exists("EncryptedPackage"):
            return "The file is protected by a password; save a copy without one."
    return "This is an Office file of the time before 2007; save it in today's format (.docx, .pptx, .xlsx)."
