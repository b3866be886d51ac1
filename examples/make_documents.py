"""Makes the PDF, Word and PowerPoint files of `collection/` from the texts in `sources/`.

Run it after a change to a source: `python examples/make_documents.py`. It needs python-docx, python-pptx and
fpdf2 (`pip install python-docx python-pptx fpdf2`) and the fonts of the Debian packages fonts-dejavu-core and
fonts-wqy-microhei, of which the PDF files embed only the characters they use.

A source is a small part of Markdown: `# title`, `## heading`, paragraphs, and `---` for a new page.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from fpdf import FPDF
from pptx import Presentation

HERE = Path(__file__).parent
FONTS = Path("/usr/share/fonts/truetype")
LATIN_AND_CYRILLIC = FONTS / "dejavu/DejaVuSans.ttf"
HAN = FONTS / "wqy/wqy-microhei.ttc"
WRITTEN = datetime(2025, 4, 1, tzinfo=UTC)  # a fixed date keeps the files the same from run to run

DOCUMENTS = (
    "de/reisekosten.pdf",
    "de/wartung-lauva-40.docx",
    "en/lauva-40-datasheet.pdf",
    "en/onboarding.docx",
    "en/town-hall.pptx",
    "es/centro-valencia.docx",
    "fr/rapport-durabilite.pdf",
    "ru/obsluzhivanie-nasosov.pdf",
    "zh/lauva-40.pdf",
)


def blocks(source: str) -> Iterator[tuple[str, str]]:
    """The blocks of a source in order, as (kind, text); kinds are title, heading, page and paragraph."""
    for block in source.strip().split("\n\n"):
        if block == "---":
            yield "page", ""
        elif block.startswith("## "):
            yield "heading", block.removeprefix("## ")
        elif block.startswith("# "):
            yield "title", block.removeprefix("# ")
        else:
            yield "paragraph", block


class Report(FPDF):
    """An A4 document with the company and the page number at the foot of every page."""

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("text", size=8)
        self.cell(0, 8, f"Tarnholt · {self.page_no()} / {{nb}}", align="C")


def han_lines(pdf: FPDF, text: str) -> Iterator[str]:
    """The lines of a Chinese paragraph; none starts with a closing mark or breaks a number or Latin word."""
    width, line = pdf.epw - 2 * pdf.font_size, ""
    for character in text:
        joined = character in "，。：；、）" or (line[-1:] + character).isascii()
        if not joined and pdf.get_string_width(line + character) > width:
            yield line
            line = ""
        line += character
    yield line


def write_pdf(source: str, target: Path) -> None:
    """A PDF with `source`'s page breaks."""
    language = target.parent.name
    pdf = Report()
    pdf.add_font("text", fname=HAN if language == "zh" else LATIN_AND_CYRILLIC)
    pdf.set_creation_date(WRITTEN)
    pdf.set_lang(language)
    pdf.set_margin(28)
    pdf.set_auto_page_break(auto=True, margin=22)
    pdf.add_page()
    sizes = {"title": 22, "heading": 16, "paragraph": 13}
    for kind, text in blocks(source):
        if kind == "page":
            pdf.add_page()
            continue
        if kind == "title":
            pdf.set_title(text)
        pdf.set_font("text", size=sizes[kind])
        lines = "\n".join(han_lines(pdf, text)) if language == "zh" else text
        pdf.multi_cell(0, sizes[kind] * 0.55, lines, align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(4)
    pdf.output(str(target))


def write_docx(source: str, target: Path) -> None:
    """A Word document with real headings."""
    document = Document()
    document.core_properties.created = document.core_properties.modified = WRITTEN
    document.core_properties.author = "Tarnholt"
    document.core_properties.language = target.parent.name
    for kind, text in blocks(source):
        if kind == "title":
            document.core_properties.title = text
            document.add_heading(text, level=0)
        elif kind == "heading":
            document.add_heading(text, level=1)
        elif kind == "paragraph":
            document.add_paragraph(text)
        else:
            document.add_page_break()
    document.save(str(target))
    date_entries(target)


def write_pptx(source: str, target: Path) -> None:
    """A presentation with one slide for the title and one for each heading."""
    presentation = Presentation()
    presentation.core_properties.created = presentation.core_properties.modified = WRITTEN
    presentation.core_properties.author = "Tarnholt"
    layouts = {"title": presentation.slide_layouts[0], "heading": presentation.slide_layouts[1]}
    for kind, text in blocks(source):
        if kind in layouts:
            slide = presentation.slides.add_slide(layouts[kind])
            slide.shapes.title.text = text
            body = slide.placeholders[1].text_frame
        else:
            body.text = text
    presentation.core_properties.title = presentation.slides[0].shapes.title.text
    presentation.save(str(target))
    date_entries(target)


def date_entries(target: Path) -> None:
    """Give every entry of an Office file the fixed date; the libraries put in the time of saving."""
    with ZipFile(target) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(ZipInfo(name, WRITTEN.timetuple()[:6]), data, ZIP_DEFLATED)


def main() -> None:
    """Make every document anew."""
    write = {".pdf": write_pdf, ".docx": write_docx, ".pptx": write_pptx}
    for name in DOCUMENTS:
        source = (HERE / "sources" / name).with_suffix(".md").read_text(encoding="utf-8")
        target = HERE / "collection" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write[target.suffix](source, target)


if __name__ == "__main__":
    main()
