"""E-mail: EML and Outlook's MSG."""

import mimetypes
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from email.errors import CloseBoundaryNotFoundDefect
from email.message import MIMEPart
from email.utils import formataddr

from fundstelle.indexing.decoding import decode
from fundstelle.indexing.extract import Extract, one_line
from fundstelle.indexing.files import ReadingError
from fundstelle.indexing.hypertext import extract_html

Attachment = tuple[str, bytes]
Mail = tuple[Extract, list[Attachment]]

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_BODIES = ("plain", "html")  # the best first
_ENCRYPTED = "The e-mail is encrypted; save a decrypted copy."


def read_eml(data: bytes) -> Mail:
    """The message (its main headers, an empty line, its body) and what is attached to it."""
    message = message_from_bytes(data.removeprefix(BOM_UTF8), policy=policy.default)
    if not any(name in message for name in _HEADERS):
        raise ReadingError("It is not an e-mail: it has none of the headers From, To, Date and Subject.")
    if message.get_content_type() in ("multipart/encrypted", "application/pkcs7-mime"):
        raise ReadingError(_ENCRYPTED)
    if any(isinstance(defect, CloseBoundaryNotFoundDefect) for defect in message.defects):
        raise ReadingError("The e-mail is cut off: a part has no end. Save or copy it again.")
    body = message.get_body(_BODIES)
    text = _body(body) if body is not None else ""
    others = (part for part in _leaves(message) if part is not body)
    attached = [
        _attachment(part) for part in others if _is_file(part) or part.get_content_maintype() == "text"
    ]
    return _mail({name: str(message.get(name, "")) for name in _HEADERS}, text), attached


def _body(part: MIMEPart) -> str:
    text = decode(_payload(part), part.get_content_charset())
    return extract_html(text).text if part.get_content_subtype() == "html" else text


def _payload(part: MIMEPart) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _leaves(part: MIMEPart) -> Iterator[MIMEPart]:
    """The parts at the ends of `part`; of alternative texts the best alone."""
    if part.get_content_maintype() != "multipart":
        yield part
        return
    best = part.get_body(_BODIES) if part.get_content_subtype() == "alternative" else None
    for child in part.iter_parts():
        yield from (leaf for leaf in _leaves(child) if best in (None, leaf) or _is_file(leaf))


def _is_file(part: MIMEPart) -> bool:
    return part.is_attachment() or bool(part.get_filename()) or part.get_content_type() == "message/rfc822"


def _attachment(part: MIMEPart) -> Attachment:
    if part.get_content_type() == "message/rfc822":
        forwarded = part.get_content()
        return f"{one_line(str(forwarded.get('Subject', 'message')))}.eml", forwarded.as_bytes()
    suffix = mimetypes.guess_extension(part.get_content_type()) or ""
    return part.get_filename() or f"attachment{suffix}", _payload(part)


def read_msg(data: bytes) -> Mail:
    """As `read_eml`, of a message that Outlook saved."""
    from oxmsg import Message

    message = Message.load(data)
    if ".smime" in message.message_class.lower() and "multipartsigned" not in message.message_class.lower():
        raise ReadingError(_ENCRYPTED)
    recipients = (formataddr((person.name, person.email_address)) for person in message.recipients)
    sent = message.sent_date
    headers = {
        "From": message.sender or "",
        "To": ", ".join(recipients),
        "Date": sent.isoformat(sep=" ", timespec="minutes") if sent else "",
        "Subject": message.subject,
    }
    text = message.body or extract_html(message.html_body or "").text
    attached = [(part.file_name or "attachment", part.file_bytes) for part in message.attachments]
    return _mail(headers, text), [(name, content) for name, content in attached if content]


def _mail(headers: Mapping[str, str], body: str) -> Extract:
    lines = {name: one_line(value) for name, value in headers.items() if value.strip()}
    head = "".join(f"{name}: {value}\n" for name, value in lines.items())
    return Extract(
        f"{head}\n{body}",
        title=lines.get("Subject", ""),
        meta={name.lower(): lines[name] for name in ("From", "Date") if name in lines},
    )
