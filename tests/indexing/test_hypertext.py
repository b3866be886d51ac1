"""Of a web page its text is kept, in the order and layout a reader sees, and the menus are not."""

from textwrap import dedent

import pytest

from fundstelle.indexing.files import ReadingError
from fundstelle.indexing.hypertext import read_html


def text(html: str) -> str:
    return read_html(html.encode()).text


def test_blocks_are_apart_and_blanks_are_one() -> None:
    """Paragraphs are apart, items and line breaks on lines of their own, runs of blanks one space."""
    html = """<h1>Pumps</h1><p>The <b>Lauva</b>   40
        pumps water.</p><ul><li>quiet<li>safe</ul>one<br>two<p>nor<i>mal</i>ly"""
    assert text(html) == "Pumps\n\nThe Lauva 40 pumps water.\n\nquiet\nsafe\n\none\ntwo\n\nnormally"


def test_tables_are_rows_of_cells() -> None:
    """A row is a line whatever is in its cells; empty cells leave no trace."""
    head = "<tr><th>Name</th><th>Flow</th></tr>"
    row = "<tr><td><p>Lauva</p></td><td></td><td>40 <b>m³</b></td></tr>"
    assert text(f"<table>{head}{row}</table>") == "Name | Flow\nLauva | 40 m³"


def test_code_keeps_its_lines() -> None:
    """Preformatted text keeps its blanks."""
    assert text("<p>Run:</p><pre>\nif x:\n    go()\n</pre><p>Done.</p>") == "Run:\n\nif x:\n    go()\n\nDone."


def test_characters_stay() -> None:
    """Soft hyphens, fixed blanks, entities and right-to-left text are what they are in the page."""
    assert (
        text("<p>Zu\u00adsam\u00admen 5&nbsp;m &lt;שלום&gt; &#x1F600;</p>")
        == "Zu\u00adsam\u00admen 5\u00a0m <שלום> 😀"
    )


def test_menus_and_what_nobody_sees_are_left_out() -> None:
    """Navigation, headers, footers, menus by name or by being made of links, scripts and hidden parts are no text."""
    links = "".join(f'<li><a href="/{name}">Menu {name}</a></li>' for name in ("one", "two", "three", "four"))
    html = f"""<html><head><title>Safety</title><script>var a = 'Menu';</script><style>.Menu {{}}</style></head><body>
        <header>Menu head</header><nav>Menu nav</nav><div class="cookie-banner">Menu: accept all</div>
        <ul>{links}</ul><div id="main-menu"><a>Menu link</a></div><div hidden>Menu</div>
        <div style="display: none">Menu</div>
        <h1>Safety shoes</h1><p>Everybody wears <a href="/shoes">safety shoes</a> in the workshop at all times.</p>
        <ul><li><a href="/a">Form A</a></li><li><a href="/b">Form B</a></li></ul>
        <p>Visitors borrow them at the gate, next to the helmets, and give them back when they leave.</p>
        <footer>Menu foot</footer></body></html>"""
    page = read_html(html.encode())
    assert "Menu" not in page.text
    assert page.text.startswith("Safety shoes\n\nEverybody wears safety shoes in the workshop")
    assert "Form A\nForm B" in page.text
    assert page.title == "Safety"


def test_the_main_part_is_kept_whole() -> None:
    """Where a page marks its main part that is the text, with its own header, lists of links and boxes."""
    links = "".join(f'<li><a href="/{n}">Minutes of meeting {n}</a></li>' for n in range(6))
    html = f"""<body><div>Outside</div><main><header><h1>Minutes</h1></header><ul>{links}</ul>
        <div class="sidebar">Ask Anna for older ones.</div></main><div>Outside</div></body>"""
    assert text(html).startswith("Minutes\n\nMinutes of meeting 0\nMinutes of meeting 1")
    assert "Ask Anna" in text(html)
    assert "Outside" not in text(html)


def test_a_main_part_may_speak_of_what_menus_are_named_after() -> None:
    """Inside the main part a section is no menu for its name alone; a trail of links called so still is."""
    trail = '<ul class="breadcrumbs"><li><a>Home</a><li><a>Legal</a></ul>'
    cookies = '<section id="cookies"><h2>Cookies</h2><p>The shop sets session_id for 14 days.</p></section>'
    page = f"<h1>Privacy</h1>{trail}<p>{'We keep your name for thirty days. ' * 9}</p>{cookies}"
    for main in (f"<main>{page}</main>", f"<article>{page}</article>", f"<div role=main>{page}</div>"):
        assert "session_id for 14 days" in text(main)
        assert "Home" not in text(main)
    assert "session_id" not in text(page)


def test_a_heading_may_be_a_button() -> None:
    """A question that opens its answer is a heading; other buttons are no text."""
    html = """<h2><button>How do I return a lamp?</button></h2><p>Send it back. <button>Print</button></p>
        <details><summary><button>And a bulb?</button></summary>Keep it.</details>"""
    assert text(html) == "How do I return a lamp?\n\nSend it back.\n\nAnd a bulb?\n\nKeep it."


def test_the_head_and_foot_of_a_part_are_its_own() -> None:
    """The header of a section and the footer of a quotation are text; those of the page are not."""
    html = """<header>Menu</header><section><header><h2>Sundays</h2></header><p>Ten to four.</p></section>
        <blockquote><p>To be.</p><footer>Hamlet</footer></blockquote><footer>Menu</footer>"""
    assert text(html) == "Sundays\n\nTen to four.\n\nTo be.\n\nHamlet"


def test_a_page_of_links_alone_is_not_empty() -> None:
    """Where nothing is left without the menus, they are the text."""
    assert text("<nav><a>Home</a> <a>Contact</a></nav>") == "Home Contact"


def test_titles() -> None:
    """The title is that of the page, otherwise its first heading, otherwise none."""
    assert read_html(b"<title> A \n title </title><h1>Heading</h1>").title == "A title"
    assert read_html(b"<h1>A <i>heading</i></h1>").title == "A heading"
    assert read_html(b"<p>text").title == ""


def test_the_encoding_of_a_page_is_found() -> None:
    """A page says in its head how it is encoded; where that is wrong for UTF-8, UTF-8 wins."""
    page = "<html><head><meta charset='{}'></head><body><p>Kůň šel přes řeku.</p></body></html>"
    assert read_html(page.format("windows-1250").encode("cp1250")).text == "Kůň šel přes řeku."
    assert read_html(page.format("iso-8859-1").encode("utf-8")).text == "Kůň šel přes řeku."


def test_a_declaration_of_utf16_is_not_believed() -> None:
    """A page whose declaration can be read byte by byte is not UTF-16, whatever it says."""
    page = "<meta charset='utf-16'><p>Größe und Maß der Tür, über die wir sprachen.</p>"
    assert read_html(page.encode("cp1252")).text == "Größe und Maß der Tür, über die wir sprachen."


def test_broken_pages_have_text_too() -> None:
    """Unclosed or empty pages do not fail."""
    assert text("<div><p>a<div>b</span></p") == "a\n\nb"
    assert text("") == text("<!-- nothing -->") == text("<body></body>") == ""


def test_deep_and_long_pages_are_read_whole() -> None:
    """Tags that are never closed nest without end, and a text may be long; nothing of either is lost."""
    lines = [f"Line {number}." for number in range(500)]
    assert text("<br>".join(f"<font><b>{line}" for line in lines)) == "\n".join(lines)
    assert text("<div>" * 2000 + "deep") == "deep"
    assert text(f"<p>{'x' * 10_100_000}</p><p>end").endswith("x\n\nend")


def test_a_page_too_deep_to_be_read_whole_is_refused() -> None:
    """Where the parser gives up on the depth of a page, that is said rather than a part taken for the whole."""
    with pytest.raises(ReadingError, match="nested"):
        text("<div>" * 100_000 + "deeper")


def test_xhtml_is_read_like_html() -> None:
    """A page that begins as XML with a namespace and an encoding is a page."""
    html = """\
        <?xml version="1.0" encoding="UTF-8"?>
        <html xmlns="http://www.w3.org/1999/xhtml"><head><title>X</title></head><body><p>Text.</p></body></html>"""
    page = read_html(dedent(html).encode())
    assert (page.title, page.text) == ("X", "Text.")
