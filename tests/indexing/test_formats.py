"""Every kind of file gives the text, title, pages and metadata that are in it."""

import io
import json
from collections.abc import Callable
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.base import MIMEBase
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from docx.enum.text import WD_BREAK
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from fundstelle.indexing.documents import SourceDocument, identifier
from fundstelle.indexing.files import ReadingError, digest
from fundstelle.indexing.formats import SUFFIXES, read

Put = Callable[[str, bytes | str], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def put(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


def only(path: Path) -> SourceDocument:
    [document] = read(path, path.name)
    return document


def saved(office_file: Any) -> bytes:
    stream = io.BytesIO()
    office_file.save(stream)
    return stream.getvalue()


def pdf(*pages: list[str], font: str = "Helvetica", title: str | None = None) -> bytes:
    """A PDF with a line of text for each string."""
    stream = io.BytesIO()
    canvas = Canvas(stream)
    if title:
        canvas.setTitle(title)
    for lines in pages:
        canvas.setFont(font, 11)
        for number, line in enumerate(lines):
            canvas.drawString(60, 780 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def test_a_document_knows_where_it_is_from(put: Put) -> None:
    """Id, source, origin and the digest of the bytes are those of the file; the language is left open."""
    path = put("a.txt", "Text.")
    [document] = read(path, "docs/a.txt")
    assert (document.id, document.source, document.origin) == (
        identifier("docs/a.txt"),
        "docs/a.txt",
        "docs/a.txt",
    )
    assert (document.content_hash, document.language, document.pages) == (digest(path), "und", ())


@settings(deadline=None)
@given(
    st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffd\ufeff"), min_size=1
    )
)
def test_plain_text_and_markdown_come_back_exactly(text: str) -> None:
    """The text of a text or Markdown file is exactly what was written, line ends and blanks included."""
    text = f"# {text}\r\n\t{text}\u00ad\n"
    with TemporaryDirectory() as folder:
        for name in ("a.txt", "a.md"):
            path = Path(folder, name)
            path.write_bytes(text.encode())
            assert only(path).text == text


def test_nothing_but_the_unstorable_is_replaced(put: Put) -> None:
    """NUL gives way to a replacement character at its place; soft hyphens, blanks and line ends stay."""
    text = "Zu\u00adsam\u00admen\r\nha\u0308lt\t\u00a0\u200b. " * 9
    assert only(put("a.txt", text + "\0end")).text == text + "\ufffdend"


@pytest.mark.parametrize(
    ("markdown", "title"),
    [
        ("intro\n\n## The *first* `heading` ##\n\n# Another", "The first heading"),
        ("Underlined\n==========\n\n# Another", "Underlined"),
        ("```sh\n# a comment\n```\n\n# Heading", "Heading"),
        ('---\ndate: 2024\ntitle: "In front"\n---\n# Heading', "In front"),
        ("---\ndate: 2024\n---\r\n# Heading\r\n", "Heading"),
        ("no heading, #hashtag", "travel costs 2024"),
        ("# Learning C#\n", "Learning C#"),
        ("# Wide" + " " * 90_000 + "apart\n", "Wide apart"),
    ],
)
def test_titles_of_markdown(put: Put, markdown: str, title: str) -> None:
    """The title is the front matter's, else the first heading outside of code, else the file's name made readable."""
    assert only(put("travel_costs-2024.md", markdown)).title == title


def test_html(put: Put) -> None:
    """A page gives its text and its title."""
    document = only(put("a.HTM", "<title>T</title><nav>Menu</nav><p>One.</p><p>Two.</p>"))
    assert (document.title, document.text) == ("T", "One.\n\nTwo.")


def test_pdf_pages_and_title(put: Put) -> None:
    """Pages are where they start; empty ones count; the title is the file's own unless a program made it up."""
    document = only(put("a.pdf", pdf(["First page"], [], ["Third page"], title="Manual")))
    assert [document.text[start:] for start in document.pages] == [
        "First page\n\n\n\nThird page",
        "\n\nThird page",
        "Third page",
    ]
    assert document.page_of(document.text.index("Third")) == 3
    assert document.title == "Manual"
    assert only(put("my_report.pdf", pdf(["x"], title="Microsoft Word - x.doc"))).title == "my report"


def test_pdf_lines_become_paragraphs_again(put: Put) -> None:
    """Wrapped lines are joined, hyphenated words made whole; headings, short lines and list items stay apart."""
    lines = [
        "2 Maintenance",
        "The pump runs quietly for many years as long as its bearings get fresh oil every four thou-",
        "sand hours, which takes two people about a quarter of an hour, and as long as no sand",
        "reaches the seal.",
        "Call us if it does not, and please have the number on the type plate ready when you do so.",
        "- spare parts",
        "- tools",
    ]
    assert only(put("a.pdf", pdf(lines))).text == (
        "2 Maintenance\nThe pump runs quietly for many years as long as its bearings get fresh oil every four thousand "
        "hours, which takes two people about a quarter of an hour, and as long as no sand reaches the seal.\n"
        "Call us if it does not, and please have the number on the type plate ready when you do so.\n"
        "- spare parts\n- tools"
    )


def test_pdf_in_a_script_without_blanks(put: Put) -> None:
    """Chinese lines are joined without blanks that nobody wrote."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    lines = [
        "泵的轴承每四千小时更换一次润滑油，两个人大约需要一刻钟的时间，如果砂",
        "子进入密封处，请立即停泵并联系我们。",
    ]
    assert only(put("a.pdf", pdf(lines, font="STSong-Light"))).text == "".join(lines)


def test_pdf_footers_stay_on_lines_of_their_own(put: Put) -> None:
    """A last line that other pages have, too, but for its number, is not joined to a full line before it."""
    full = "This line is as wide as the page and so would be joined to the next one"
    pages = [
        [f"{name} page. {full}", full, f"Handbook · {number} / 2"]
        for number, name in ((1, "One"), (2, "Two"))
    ]
    text = only(put("a.pdf", pdf(*pages))).text
    assert text.split("\n")[1] == "Handbook · 1 / 2"
    assert text.endswith(f"{full}\nHandbook · 2 / 2")


def test_pdf_puts_no_blank_between_ideographs_and_digits(put: Put) -> None:
    """A line that wraps between an ideograph and a number is joined without a blank."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    lines = [
        "水泵在出厂之前都经过两个小时的试验才能够运输用量为",
        "9公斤的润滑油每年至少更换一次而且必须使用原厂的配件",
    ]
    assert only(put("a.pdf", pdf(lines, font="STSong-Light"))).text == "".join(lines)


def test_pdf_with_marks_placed_by_themselves() -> None:
    """Thai and Arabic, whose marks a PDF places one by one, come out in the order of their words.

    The sample was made with fpdf2, shaping text in Noto Sans Thai and Noto Naskh Arabic.
    """
    found = only(Path(__file__).parent / "samples" / "placed_marks.pdf")
    thai, arabic = (found.text[start:end].strip() for start, end in pairwise([*found.pages, len(found.text)]))
    assert thai == "เมื่อวานตอนเย็นเราไปในเมืองซึ่งอากาศหนาวมาก ผู้คนนั่งอยู่ที่ร้าน"
    assert arabic == "قواعد السلامة لزوار المصنع وموظفيه تُرجمت إلى العربية لزملائنا"


def test_docx(put: Put) -> None:
    """Paragraphs, tables, inserted text and text boxes in their order; the first heading is the title."""
    document = docx.Document()
    document.core_properties.title = ""
    document.add_paragraph("Preface")
    document.add_heading("Service plan", 1)
    paragraph = document.add_paragraph("Oil")
    inserted = OxmlElement("w:ins")
    inserted.append(document.add_paragraph()._p.add_r())
    inserted[0].add_t(" and grease")
    paragraph._p.append(inserted)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["Part", "Hours", "Bearing", "4000"], strict=True):
        cell.text = text
    document.add_paragraph("End\tof\nplan")
    found = only(put("plan.docx", saved(document)))
    assert (
        found.text == "Preface\nService plan\nOil and grease\n\nPart | Hours\nBearing | 4000\nEnd\tof\nplan"
    )
    assert (found.title, found.pages) == ("Service plan", ())
    document.core_properties.title = "Plan of services"
    assert only(put("plan.docx", saved(document))).title == "Plan of services"


def test_docx_tables_hold_content_controls(put: Put) -> None:
    """Cells and rows of a form that stand in content controls, also one in another, are in their place."""

    def control(inside: str) -> Any:
        return parse_xml(f"<w:sdt {nsdecls('w')}><w:sdtContent>{inside}</w:sdtContent></w:sdt>")

    def cell(text: str) -> str:
        return f"<w:tc><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"

    document = docx.Document()
    table = document.add_table(rows=1, cols=1)
    table.cell(0, 0).text = "Name"
    table.rows[0]._tr.append(control(cell("Erika")))
    repeated = f"<w:sdt><w:sdtContent><w:tr>{cell('City')}{cell('Bonn')}</w:tr></w:sdtContent></w:sdt>"
    table._tbl.append(control(f"<w:customXml>{repeated}</w:customXml>"))
    assert only(put("a.docx", saved(document))).text == "Name | Erika\nCity | Bonn"


def test_docx_pages_are_those_of_its_last_layout(put: Put) -> None:
    """Where the program that saved the file noted its page breaks, offsets have pages; the note itself is no text."""
    document = docx.Document()
    document.add_paragraph("First page").add_run().add_break(WD_BREAK.PAGE)
    run = document.add_paragraph("").add_run("Second page")
    run._r.insert(0, OxmlElement("w:lastRenderedPageBreak"))
    found = only(put("a.docx", saved(document)))
    assert found.text == "First page\nSecond page"
    assert [found.page_of(found.text.index(word)) for word in ("First", "Second")] == [1, 2]


def test_pptx(put: Put) -> None:
    """Slides are pages with their text, tables and notes; the first slide's title is the presentation's."""
    presentation = pptx.Presentation()
    for number in (1, 2):
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = f"Slide {number}"
        table = slide.shapes.add_table(1, 2, 0, 0, 99, 99).table
        table.cell(0, 0).text, table.cell(0, 1).text = "Year", str(2000 + number)
        slide.notes_slide.notes_text_frame.text = f"Note {number}"
    found = only(put("a.pptx", saved(presentation)))
    assert found.text == "Slide 1\nYear | 2001\nNote 1\n\nSlide 2\nYear | 2002\nNote 2"
    assert (found.pages, found.title) == ((0, found.text.index("Slide 2")), "Slide 1")


def test_xlsx(put: Put) -> None:
    """Visible sheets are pages under their names; a row names the columns of its values."""
    book = openpyxl.Workbook()
    book.active.title = "Phones"
    for row in (["Name", "Extension"], ["Anna", 471.0], [None, None], ["Boris", None]):
        book.active.append(row)
    book.create_sheet("Notes").append(["only one line"])
    hidden = book.create_sheet("Hidden")
    hidden.append(["secret"])
    hidden.sheet_state = "hidden"
    found = only(put("a.xlsx", saved(book)))
    assert (
        found.text
        == "Phones\n\nName | Extension\nName: Anna | Extension: 471\nName: Boris\n\nNotes\n\nonly one line"
    )
    assert [found.page_of(found.text.index(word)) for word in ("Boris", "only")] == [1, 2]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_is_one_table(put: Put, delimiter: str) -> None:
    """Whatever separates the columns, each value stands beside the name of its column."""
    table = '"Name";"Room; floor"\r\nAnna;"12, second"\r\n'.replace(";", delimiter)
    expected = "Name | Room; floor\nName: Anna | Room; floor: 12, second".replace(";", delimiter)
    assert only(put("a.csv", table)).text == expected


def test_csv_with_a_text_column_is_many_documents(put: Put) -> None:
    """Rows are documents where a column is called text; other columns are metadata; a row without text is none."""
    path = put("faq.csv", 'title,text,team\nOil,"Change it,\nplease.",service\nEmpty,,hr\nSand,Stop.,\n')
    assert [(d.source, d.title, d.text, dict(d.meta)) for d in read(path, "faq.csv")] == [
        ("faq.csv#1", "Oil", "Change it,\nplease.", {"team": "service"}),
        ("faq.csv#3", "Sand", "Stop.", {}),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_long_rows_do_not_hide_the_delimiter(put: Put, delimiter: str) -> None:
    """The delimiter is found where the rows are so long that few of them are looked at."""
    rows = [("n", "text", "title"), *((f"{n}", f"{n}, " * 9000 + "end", f"Title {n}") for n in range(9))]
    documents = read(put("a.csv", "\n".join(map(delimiter.join, rows))), "a.csv")
    assert [(document.text, document.title) for document in documents] == [row[1:] for row in rows[1:]]


def test_tsv_is_cut_at_tabs_alone(put: Put) -> None:
    """A file that is called tab-separated may have one column, and commas in it."""
    text = "He paid 5,000 euros in 1999."
    assert only(put("a.tsv", f"text\n{text}\n")).text == text
    assert only(put("b.tsv", "Name\tAge\nAnna, Eve\t7,5\n")).text == "Name | Age\nName: Anna, Eve | Age: 7,5"


def test_a_line_above_a_table_does_not_hide_the_delimiter(put: Put) -> None:
    """A table under a title is cut as most of its rows are; sentences with commas are no table."""
    table = "Kontoauszug\nDatum;Betrag;Zweck\n01.02.2024;12,50;Miete, kalt\n02.02.2024;1.312,75;Strom\n"
    assert only(put("a.csv", table)).text == (
        "Kontoauszug\nDatum | Betrag | Zweck\n01.02.2024 | 12,50 | Miete, kalt\n02.02.2024 | 1.312,75 | Strom"
    )
    assert only(put("b.csv", "Note\nFirst; then more\nSecond\n")).text == "Note\nFirst; then more\nSecond"


def test_cells_without_a_column_belong_to_the_last(put: Put) -> None:
    """A delimiter in a value that nobody quoted loses nothing; empty cells at the end are nothing."""
    documents = read(put("a.csv", "title,text\nA,one, two, three\nB,plain\nC,more,,\n"), "a.csv")
    assert [(document.title, document.text) for document in documents] == [
        ("A", "one, two, three"),
        ("B", "plain"),
        ("C", "more"),
    ]
    assert only(put("b.csv", "text\nHello, world\n")).text == "Hello, world"


def test_json_and_jsonl_hold_one_or_many(put: Put) -> None:
    """An object is one document, an array or lines of them are many, named by their place in the file."""
    record = {
        "text": "T\u00ad\ud83d\ude00",
        "title": "A  title",
        "meta": {"team": "hr", "year": 2024, "draft": False},
    }
    other = {"content": "U", "language": "de", "url": "x", "meta": {"tags": ["a", "b"], "none": None}}
    one = only(put("a.json", json.dumps(record)))
    assert (one.source, one.text, one.title, one.meta) == ("a.json", "T\u00ad😀", "A title", record["meta"])
    both = [json.dumps(record), "", json.dumps(other)]
    for path in (put("b.json", f"[{both[0]}, {both[2]}]"), put("b.jsonl", "\r\n".join(both))):
        first, second = read(path, path.name)
        assert (first.source, second.source, second.origin) == (f"{path.name}#1", f"{path.name}#2", path.name)
        assert (second.text, second.language, second.title) == ("U", "de", "b")
        assert second.meta == {"url": "x", "tags": '["a", "b"]'}


def test_nothing_unstorable_leaves_json(put: Put) -> None:
    """Lone surrogates and NUL, which JSON can name, are replaced in text, title and metadata."""
    document = only(
        put(
            "a.json",
            r'{"text": "a\ud800b\u0000c", "title": "\udfff", "meta": {"\u0000": "\ud800", "n": NaN}}',
        )
    )
    assert (document.text, document.title) == ("a\ufffdb\ufffdc", "\ufffd")
    assert document.meta == {"\ufffd": "\ufffd", "n": "nan"}


def mail(subject: str = "Canteen: Umbau") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Anna <a@example.org>", "all@example.org", subject
    message["Date"] = "Mon, 16 Jun 2025 08:12:00 +0200"
    return message


def test_eml(put: Put) -> None:
    """A mail is its headers and its plain text; sender and date can be filtered by."""
    message = mail()
    message.set_content("Wir bauen um.\nGrüße", charset="iso-8859-1")
    message.add_alternative("<p>Wir bauen <b>um</b>.</p>", subtype="html")
    found = only(put("a.eml", message.as_bytes()))
    assert found.title == "Canteen: Umbau"
    assert found.text.replace("\r", "") == (
        "From: Anna <a@example.org>\nTo: all@example.org\nDate: Mon, 16 Jun 2025 08:12:00 +0200\n"
        "Subject: Canteen: Umbau\n\nWir bauen um.\nGrüße\n"
    )
    assert found.meta == {"from": "Anna <a@example.org>", "date": "Mon, 16 Jun 2025 08:12:00 +0200"}


def test_eml_behind_a_byte_order_mark(put: Put) -> None:
    """Editors put a mark in front of what they save; the first header is read all the same."""
    assert only(put("a.eml", "\ufeffSubject: Umbau\n\nWir bauen um.\n")).title == "Umbau"


def test_eml_of_html_with_attachments(put: Put) -> None:
    """Attachments that can be read are documents of their own; others are named in the mail's metadata."""
    message = mail()
    message.set_content("<p>See <i>below</i>.</p>", subtype="html")
    message.add_attachment("Attached.", filename="notes_may.txt")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="logo.png")
    message.add_attachment(b"%PDF-1.7 cut", maintype="application", subtype="pdf", filename="plan.pdf")
    body, notes = read(put("a.eml", message.as_bytes()), "a.eml")
    assert body.text.endswith("\n\nSee below.")
    assert body.meta["unread_attachments"] == "logo.png, plan.pdf"
    assert (notes.source, notes.origin, notes.text.strip(), notes.title) == (
        "a.eml#2",
        "a.eml",
        "Attached.",
        "notes may",
    )


def multipart(kind: str, *parts: MIMEBase) -> MIMEMultipart:
    return MIMEMultipart(kind, _subparts=parts)


def offer() -> MIMEText:
    part = MIMEText("The price is 4711.")
    part.add_header("Content-Disposition", "attachment", filename="offer.txt")
    return part


PLAIN, HTML = MIMEText("See below."), MIMEText("<p>See below.</p>", "html")


@pytest.mark.parametrize(
    ("message", "attached"),
    [
        (multipart("alternative", PLAIN, multipart("mixed", HTML, offer())), ["The price is 4711."]),
        (
            multipart("signed", multipart("mixed", PLAIN, offer()), MIMEApplication(b"x", "pgp-signature")),
            ["The price is 4711."],
        ),
        (
            multipart("mixed", multipart("mixed", PLAIN, offer()), MIMEText("-- list")),
            ["The price is 4711.", "-- list"],
        ),
        (
            multipart(
                "mixed", PLAIN, multipart("alternative", MIMEText("Again."), MIMEText("Again.", "html"))
            ),
            ["Again."],
        ),
        (multipart("mixed", HTML, multipart("related", offer())), ["The price is 4711."]),
    ],
    ids=["in an alternative", "signed", "beside a footer", "another alternative", "in a related part"],
)
def test_attachments_are_found_however_deep(put: Put, message: MIMEMultipart, attached: list[str]) -> None:
    """Whatever is attached to any part of a mail is read, and no second rendering of the same text."""
    message["From"] = "a@example.org"
    body, *others = read(put("a.eml", message.as_bytes()), "a.eml")
    assert body.text == "From: a@example.org\n\nSee below."
    assert [document.text for document in others] == attached


def test_a_mail_may_be_one_attachment(put: Put) -> None:
    """A mail that consists of nothing but a file has the file as its attachment."""
    message = offer()
    message["From"] = "a@example.org"
    assert [document.text for document in read(put("a.eml", message.as_bytes()), "a.eml")] == [
        "From: a@example.org\n\n",
        "The price is 4711.",
    ]


def test_what_a_forwarded_mail_holds_is_its_own(put: Put) -> None:
    """A mail in a mail is named, wherever it is; what is attached to it is not taken for the outer one's."""
    inner = multipart("mixed", PLAIN, offer())
    inner["Subject"] = "Offer"
    message = multipart("mixed", multipart("mixed", PLAIN, MIMEMessage(inner)))
    message["From"] = "a@example.org"
    assert only(put("a.eml", message.as_bytes())).meta["unread_attachments"] == "Offer.eml"


def test_msg() -> None:
    """A message that Outlook saved is read like any other mail. The sample was written by extract-msg's OleWriter."""
    body, plan = read(Path(__file__).parent / "samples" / "outlook.msg", "outlook.msg")
    assert body.text == (
        'From: "Anna Beispiel" <anna@example.org>\nTo: Boris <boris@example.org>\nDate: 2025-06-15 04:12+00:00\n'
        "Subject: Umbau der Kantine\n\nWir bauen im Juli um.\r\nGrüße, Anna\r\n"
    )
    assert (plan.source, plan.title, plan.text) == ("outlook.msg#2", "plan", "Der Plan für Juli.")


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_a_text_is_not_taken_for_a_document_format(put: Put, suffix: str) -> None:
    """Every reader either finds the words or refuses the file with a sentence; none fails otherwise."""
    path = put(f"a{suffix}", "Some plain words\nin two lines")
    try:
        assert "plain words" in read(path, path.name)[0].text
    except ReadingError as error:
        assert str(error).endswith(".")


def test_the_collection_of_examples_reads_whole() -> None:
    """Every document of the example collection is read, and those with pages have several."""
    folder = Path(__file__).parents[2] / "examples" / "collection"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    documents = [document for path in files for document in read(path, path.relative_to(folder).as_posix())]
    assert {document.origin for document in documents} == {
        path.relative_to(folder).as_posix() for path in files
    }
    assert all(
        len(document.pages) > 1 for document in documents if document.origin.endswith((".pdf", ".pptx"))
    )
    assert all(document.title and len(document.text) > 100 for document in documents)
