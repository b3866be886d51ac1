"""The page at `/`, as people use it: in a real browser, before a real service with the bundled reader."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import browser, chromium, serving

from fundstelle.api import create_app
from fundstelle.api.settings import Settings
from fundstelle.indexing.addresses import open_store
from fundstelle.indexing.jobs import Splitting, index
from fundstelle.reader.bundle import TOKENIZER
from fundstelle.reader.bundle import path as bundle_path
from fundstelle.reader.reader import Reader

pytestmark = pytest.mark.skipif(
    chromium() is None, reason="no Chromium is installed; the page is tested with one"
)

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "examples" / "collection"
GERMAN = "Wie viel zahlt Tarnholt je Kilometer für Fahrten mit dem eigenen Auto?"
ENGLISH = "How many people does Tarnholt employ?"
ARABIC = "في أي عام افتتحت شركة تارنهولت مكتبها في عمّان؟"
NOWHERE = "Which football club won the championship?"

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """The bundled reader, loaded once for all services."""
    with Reader.load() as opened:
        yield opened


@pytest.fixture(scope="module")
def collection(reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service over the example collection, which no test changes."""
    folder = tmp_path_factory.mktemp("collection")
    fill(folder / "store", COLLECTION)
    with serving(create_app(settings(folder), reader)) as address:
        yield address


@pytest.fixture
def empty(reader: Reader, tmp_path: Path) -> Iterator[str]:
    """A service with nothing in its collection."""
    with serving(create_app(settings(tmp_path), reader)) as address:
        yield address


def settings(folder: Path) -> Settings:
    return Settings(store=str(folder / "store"), data=folder / "data")


def fill(store: Path, *paths: Path) -> None:
    with open_store(str(store)) as opened:
        index(paths, opened, base=ROOT, splitting=Splitting(bundle_path() / TOKENIZER), workers=1)


@pytest.fixture
def visit(chrome: Any) -> Iterator[Open]:
    """Opens a page; afterwards nothing must have been asked of another origin, and no script have failed."""
    contexts: list[Any] = []
    asked: list[str] = []
    failures: list[str] = []

    def opened(address: str, place: str = "", **options: Any) -> Any:
        context = chrome.new_context(
            **{"locale": "en-GB", "viewport": {"width": 1200, "height": 860}} | options
        )
        context.set_default_timeout(60_000)
        contexts.append((context, address))
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on(
            "console", lambda message: failures.append(message.text) if "Policy" in message.text else None
        )
        page.goto(address + place)
        return page

    yield opened
    origins = {address for _, address in contexts}
    for context, _ in contexts:
        context.close()
    assert asked
    assert [
        url for url in asked if not any(url.startswith((origin, f"blob:{origin}")) for origin in origins)
    ] == []
    assert failures == []


def ask(page: Any, question: str) -> None:
    page.fill("#question", question)
    page.keyboard.press("Enter")
    answered(page)


def answered(page: Any) -> None:
    page.wait_for_selector("#answers:not([data-state=waiting])")


def in_view(page: Any, selector: str, frame: str) -> bool:
    """Whether the first such element stands inside the visible part of `frame`."""
    inside: bool = page.evaluate(
        """([selector, frame]) => {
            const [mark, seen] = [selector, frame].map((each) => document.querySelector(each).getBoundingClientRect());
            return seen.top <= mark.top && mark.bottom <= seen.bottom;
        }""",
        [selector, frame],
    )
    return inside


def test_a_german_pdf_is_uploaded_asked_opened_and_deleted(empty: str, visit: Open) -> None:
    """From the empty page to the quotation in its place on page 1 of the PDF, and back to the empty page."""
    page = visit(empty, locale="de-DE")
    page.wait_for_selector("text=Noch sind keine Dokumente da.")
    with page.expect_file_chooser() as chooser:
        page.click("#start button")
    chooser.value.set_files(COLLECTION / "de" / "reisekosten.pdf")
    page.wait_for_selector("text=Fertig: 1 Dokument kann befragt werden.")
    page.wait_for_selector("#documents >> text=Reisekostenrichtlinie")
    page.keyboard.press("Escape")

    ask(page, GERMAN)
    assert page.inner_text("blockquote mark") == "0,38 Euro"
    assert page.inner_text(".place").startswith("reisekosten.pdf · Seite 1")
    page.click(".answer h3 a")
    page.wait_for_selector("#reading-text mark")
    assert page.inner_text("#reading-text mark") == "0,38 Euro"
    assert in_view(page, "#reading-text mark", "#reading-text")
    assert "3 Seiten" in page.inner_text("#reading-facts")

    page.click("#reading-delete")
    page.click("#confirm button[value=yes]")
    page.wait_for_selector("#toast >> text=Gelöscht: Reisekostenrichtlinie.")
    answered(page)
    page.wait_for_selector("text=Kein Dokument beantwortet das.")
    page.click(".wordmark")
    page.wait_for_selector("text=Noch sind keine Dokumente da.")


def test_dropped_files_are_taken_in_and_refused_ones_say_why(empty: str, visit: Open) -> None:
    """Files dropped on the page are sent in one go; one that cannot be read is listed with its reason."""
    page = visit(empty)
    page.wait_for_selector("text=There are no documents yet.")
    drop = """() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["The bridge was built in 1923."], "bridge.txt"));
        transfer.items.add(new File(["\\u0000\\u0001"], "picture.png"));
        const fire = (type) => document.body.dispatchEvent(
            new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        fire("dragenter");
        const shown = document.getElementById("veil").matches(":popover-open");
        fire("drop");
        return shown;
    }"""
    assert page.evaluate(drop)
    page.wait_for_selector("text=Done: 1 document can be asked.")
    assert page.is_hidden("#veil")
    assert "picture.png" in page.inner_text(".failures")
    page.keyboard.press("Escape")
    ask(page, "When was the bridge built?")
    assert page.inner_text("blockquote mark") == "1923"


def test_arabic_is_read_from_the_right(collection: str, visit: Open) -> None:
    """Question, quotation and document stand right to left, the answer's number with them."""
    page = visit(collection)
    ask(page, ARABIC)
    assert page.inner_text("blockquote mark") == "2016"
    for selector in ("#question", "blockquote", ".answer h3"):
        assert page.eval_on_selector(selector, "each => getComputedStyle(each).direction") == "rtl", selector
    page.click("blockquote")
    page.wait_for_selector("#reading-text mark")
    left, right = page.evaluate(
        """() => {
            const range = document.createRange();
            range.selectNodeContents(document.querySelector("#reading-text .page").firstChild);
            const lines = [...range.getClientRects()];
            const block = range.startContainer.parentElement.getBoundingClientRect();
            const first = lines.filter((line) => line.top === lines[0].top);
            return [Math.min(...first.map((line) => line.left)) - block.left,
                    block.right - Math.max(...first.map((line) => line.right))];
        }"""
    )
    assert right < 5 < left


def test_offsets_count_code_points(collection: str, visit: Open) -> None:
    """A text is cut where Python cuts it, whatever stands in it."""
    texts = ["😀𠮷 tower 84 m", "a\u0301𠀀𠀀👩‍👩‍👧 é", "plain", "\U0010ffff\ue000漢字𪚥"]
    cases = [(t, i, j) for t in texts for i in range(len(t)) for j in range(i, len(t) + 1)]
    page = visit(collection)
    found = page.evaluate(
        "async (cases) => { const { cut } = await import('./static/text.js');"
        " return cases.map(([text, start, end]) => cut(text, start, end)); }",
        cases,
    )
    assert found == [[t[:i], t[i:j], t[j:]] for t, i, j in cases]


def test_what_is_marked_is_the_answer_beside_emoji_and_rare_characters(
    reader: Reader, tmp_path: Path, visit: Open
) -> None:
    """After characters of two UTF-16 units, answer card and document still mark the answer alone."""
    file = tmp_path / "tower.txt"
    filler = "😀 𠮷野家 and 𪚥 are written here. "
    file.write_text(
        filler * 30 + "The tower of 𠮷野 😀😀 is 84 metres high. " + filler * 1500, encoding="utf-8"
    )
    fill(tmp_path / "store", file)
    with serving(create_app(settings(tmp_path), reader)) as address:
        page = visit(address)
        ask(page, "How high is the tower?")
        marked = page.inner_text("blockquote mark")
        assert marked == page.inner_text(".answer h3") == "84 metres"
        page.click(".answer h3 a")
        page.wait_for_selector("#reading-text mark")
        assert page.inner_text("#reading-text mark") == marked
        assert in_view(page, "#reading-text mark", "#reading-text")
        page.click("text=Later text")
        assert page.inner_text("#reading-text mark") == marked


def test_no_answer_is_said_and_nearest_places_offered(collection: str, visit: Open) -> None:
    """Where no document answers, the page says so, links what came close and shows uncertain answers if wanted."""
    page = visit(collection)
    ask(page, NOWHERE)
    assert page.inner_text("#answers-heading") == "No document answers this."
    assert page.inner_text("#status") == "No document answers this."
    assert page.locator("#results li a").count() == 3
    page.click("text=Show uncertain answers too")
    page.wait_for_selector(".answer")
    assert page.locator(".answer").count() == 5
    assert "It may be that no document answers this" in page.inner_text("#results")


def test_doubt_between_places_is_not_called_no_answer(collection: str, visit: Open) -> None:
    """Where an answer is likelier than none, but none is sure enough, the page says that, and offers to show them."""

    def doubting(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | {"no_answer_probability": 0.25})

    page = visit(collection)
    page.route("**/v1/query", doubting)
    ask(page, NOWHERE)
    assert page.inner_text("#answers-heading") == "No answer is sure enough to be given."
    assert "none of them answers is 25% probable" in page.inner_text("#results")
    assert page.locator("text=Show uncertain answers too").count() == 1


def test_waiting_is_shown_and_said(collection: str, visit: Open) -> None:
    """While a question is read, the list is busy, and the state is told to screen readers."""
    page = visit(collection)
    held: list[Any] = []
    page.route("**/v1/query", lambda route: held.append(route))
    page.fill("#question", ENGLISH)
    page.keyboard.press("Enter")
    page.wait_for_selector("#answers[aria-busy=true] .waiting")
    assert page.inner_text("#status") == "Searching and reading …"
    page.wait_for_timeout(50)
    held[0].continue_()
    answered(page)
    assert page.get_attribute("#answers", "aria-busy") == "false"
    assert page.inner_text("#status") == "1 answer"


def test_errors_are_sentences_and_asking_again_works(collection: str, visit: Open) -> None:
    """No connection, too many people and a refusal are told apart; "Try again" asks again."""
    page = visit(collection)
    page.wait_for_selector("#filters:not([hidden])")
    problem = '{"detail": "The question is too long: ask something shorter."}'
    replies = [
        (lambda route: route.abort(), "The service does not answer."),
        (lambda route: route.fulfill(status=503, headers={"Retry-After": "7"}, body="{}"), "in 7 seconds"),
        (lambda route: route.fulfill(status=422, body=problem), "ask something shorter."),
    ]
    for reply, expected in replies:
        page.route("**/v1/query", reply)
        ask(page, ENGLISH)
        assert expected in page.inner_text("[role=alert]")
        page.unroute("**/v1/query")
    page.click("text=Try again")
    answered(page)
    page.wait_for_selector(".answer")


def test_the_keyboard_alone_suffices(collection: str, visit: Open) -> None:
    """Ask, walk to the answer, open the document, close it: focus is never lost and returns to where it was."""
    page = visit(collection)
    page.wait_for_selector("#filters:not([hidden])")
    focused = "document.activeElement"
    assert page.evaluate(f"{focused}.id") == "question"
    page.keyboard.type(ENGLISH)
    page.keyboard.press("Enter")
    answered(page)
    for _ in range(4):
        page.keyboard.press("Tab")
    assert page.evaluate(f"{focused}.matches('.answer h3 a')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#reading-text mark")
    assert page.evaluate(f"document.getElementById('reading').contains({focused})")
    page.keyboard.press("Escape")
    page.wait_for_selector("#reading", state="hidden")
    assert page.evaluate(f"{focused}.matches('.answer h3 a')")
    # Browsers say a task later that a sheet closed, and the address follows that.
    page.wait_for_url(lambda address: "document=" not in address)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # "Also found in 1 other place"
    assert page.is_visible("details li a")


def test_the_keyboard_shows_where_it_is_in_an_open_document(collection: str, visit: Open) -> None:
    """What the tabulator stops at in a document, its text included, has a ring around it."""
    page = visit(collection)
    ask(page, ENGLISH)
    answered(page)
    page.click(".answer h3 a")
    page.wait_for_selector("#reading-text mark")
    rings = {}
    for _ in range(5):
        page.keyboard.press("Tab")
        at, ring = page.evaluate(
            "[document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]"
        )
        rings[at] = ring
    rings.pop("", None)  # the browser's own controls
    assert "reading-text" in rings
    assert set(rings.values()) == {"solid"}


def test_back_and_forward_lead_through_questions_and_documents(collection: str, visit: Open) -> None:
    """Every place has an address, which can be gone back to and shared; questions stay behind the "#"."""
    page = visit(collection)
    ask(page, ENGLISH)
    page.click(".place a")
    page.wait_for_selector("#reading-text mark")
    place = page.url
    page.go_back()
    page.wait_for_selector("#reading", state="hidden")
    page.go_back()
    page.wait_for_selector("#answers", state="hidden")
    other = visit(collection, place.removeprefix(collection))
    other.wait_for_selector("#reading-text mark")
    assert other.inner_text("#reading-text mark") == "840"
    assert re.fullmatch(r"http://[^/]+/#.*", place)


def test_filters_narrow_the_search(collection: str, visit: Open) -> None:
    """By language, and by document from the document itself; no answer there offers the whole collection."""
    page = visit(collection)
    page.wait_for_selector("#filters:not([hidden])")
    page.select_option("#language", "de")
    ask(page, ENGLISH)
    assert page.locator(".place a").count() == 0 or "840" not in page.inner_text("#results")
    page.click("text=Search all documents")
    page.wait_for_selector(".answer")
    document = page.inner_text(".place a")
    page.click(".place a")
    page.click("#reading-only")
    page.wait_for_selector("#reading", state="hidden")
    answered(page)
    assert page.input_value("#source").endswith(f"/{document}")
    assert page.inner_text(".place a") == document


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_readable_in_both_schemes(collection: str, visit: Open, scheme: str) -> None:
    """Text keeps a contrast of 4.5 to 1 to what is behind it (WCAG AA), and dark mode is dark."""
    page = visit(collection, color_scheme=scheme)
    ask(page, ENGLISH)
    pairs = page.evaluate(
        """() => ["h1", "#answers-heading", ".answer h3", ".likelihood", "blockquote", "mark", ".place",
                  ".place a", "summary", ".marks button", "#submit", "footer", "#open-collection"].map((name) => {
            const each = document.querySelector(name);
            let behind = each;
            while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
            return [name, getComputedStyle(each).color, getComputedStyle(behind).backgroundColor];
        })"""
    )
    assert {name: contrast(one, other) for name, one, other in pairs if contrast(one, other) < 4.5} == {}
    assert (luminance(pairs[0][2]) < 0.05) == (scheme == "dark")


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`, as WCAG defines it."""
    channels = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("question", [ENGLISH, GERMAN, ARABIC, NOWHERE, "x" * 300])
def test_nothing_is_cut_off_at_phone_width(collection: str, visit: Open, question: str) -> None:
    """At 320 pixels nothing needs scrolling sideways: the page, the document, the collection."""
    page = visit(collection, viewport={"width": 320, "height": 640})
    ask(page, question)
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)
    if page.locator(".answer").count():
        page.click(".place a")
        page.wait_for_selector("#reading-text mark")
        assert page.eval_on_selector("#reading-text", "each => each.scrollWidth <= each.clientWidth")
        page.click("#reading [data-close]")
    page.click("#open-collection")
    assert page.eval_on_selector("#collection .scroll", "each => each.scrollWidth <= each.clientWidth")


def test_the_page_speaks_each_of_its_languages_whole(collection: str, visit: Open) -> None:
    """No language lacks words or has others, and each has the places of the English ones."""
    page = visit(collection)
    spoken = page.evaluate("import('./static/words.js').then((words) => words.SPOKEN)")
    assert len(spoken) > 1
    for code, words in spoken.items():
        assert words.keys() == spoken["en"].keys(), code
        for name, said in words.items():
            assert places(said) <= places(spoken["en"][name]), (code, name)
            if isinstance(said, str):
                assert places(said) == places(spoken["en"][name]), (code, name)
            else:
                assert "other" in said, (code, name)
    used = {
        name
        for each in (page.content(), *scripts())
        for name in re.findall(r'(?:data-word(?:-\w+)?=|say\()"(\w+)"', each)
    }
    assert used <= spoken["en"].keys()


def places(said: str | dict[str, str]) -> set[str]:
    return set(re.findall(r"\{\w+\}", said if isinstance(said, str) else "".join(said.values())))


def scripts() -> Iterator[str]:
    for file in (ROOT / "api" / "static").glob("*.js"):
        yield file.read_text(encoding="utf-8")


@pytest.mark.parametrize("locale", ["ar-JO", "fr-FR", "es-MX", "fi-FI"])
def test_the_page_is_in_the_language_of_the_person(collection: str, visit: Open, locale: str) -> None:
    """Words, direction and language of the page follow the browser's; English where it speaks none of them."""
    page = visit(collection, locale=locale, viewport={"width": 360, "height": 700})
    heading = {
        "ar-JO": "ماذا تريد أن تعرف؟",
        "fr-FR": "Que souhaitez-vous savoir ?",
        "es-MX": "¿Qué le gustaría saber?",
    }
    assert page.inner_text("h1") == heading.get(locale, "What would you like to know?")
    assert page.get_attribute("html", "lang") == (locale[:2] if locale in heading else "en")
    assert page.get_attribute("html", "dir") == ("rtl" if locale == "ar-JO" else "ltr")
    ask(page, GERMAN)
    assert page.eval_on_selector("blockquote", "each => getComputedStyle(each).direction") == "ltr"
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.click(".place a")
    page.wait_for_selector("#reading-text mark")
    assert page.eval_on_selector("#reading-text", "each => each.scrollWidth <= each.clientWidth")


def test_everything_has_a_name_and_landmarks_are_there(collection: str, visit: Open) -> None:
    """Screen readers find banner, search, main and contentinfo, and a name for all that can be operated."""
    page = visit(collection)
    ask(page, ENGLISH)
    tree = page.locator("body").aria_snapshot()
    for role in (
        "banner",
        "main",
        "search",
        "contentinfo",
        'heading "What would you like to know?" [level=1]',
    ):
        assert f"- {role}" in tree
    assert re.search(r'- textbox "What would you like to know\?"', tree)
    page.click("#open-collection")
    tree = page.locator("#collection").aria_snapshot()
    assert 'button "Delete Reisekostenrichtlinie"' in tree
    unnamed = re.findall(r"- (?:button|link|textbox|searchbox|combobox)(?: \[.*\])?:?$", tree, re.MULTILINE)
    assert unnamed == []


def test_marks_of_answers_are_kept(reader: Reader, tmp_path: Path, visit: Open) -> None:
    """Right and wrong reach the service, and that the right one stands elsewhere; buttons show what was chosen."""
    fill(tmp_path / "store", COLLECTION / "en" / "town-hall.pptx")
    with serving(create_app(settings(tmp_path), reader)) as address:
        page = visit(address)
        ask(page, ENGLISH)

        def exported() -> list[Any]:
            data = page.request.get(f"{address}v1/feedback/export").json()["data"]
            return [entry for each in data for paragraph in each["paragraphs"] for entry in paragraph["qas"]]

        page.click("[data-part=wrong]")
        page.wait_for_selector("text=Does the right answer stand elsewhere in this text?")
        assert page.get_attribute("[data-part=wrong]", "aria-pressed") == "true"
        assert [entry["is_impossible"] for entry in exported()] == [True]
        page.click("text=Yes, it does")
        page.wait_for_selector("text=Thank you, noted.")
        assert exported() == []
        page.click("[data-part=right]")
        page.wait_for_selector("[data-part=right][aria-pressed=true]")
        assert page.get_attribute("[data-part=wrong]", "aria-pressed") == "false"
        (entry,) = exported()
        assert entry["question"] == ENGLISH
        assert [each["text"] for each in entry["answers"]] == ["840"]


def test_a_key_is_asked_for_where_one_is_needed(reader: Reader, tmp_path: Path, visit: Open) -> None:
    """A wrong key is refused and asked for again, the right one opens the page and is kept in the tab alone."""
    app = create_app(settings(tmp_path), reader)
    key = app.state.service.keys.add("reading", frozenset({"read"}))
    with serving(app) as address:
        page = visit(address)
        for typed in ("wrong", key):
            page.wait_for_selector("#key[open]")
            page.fill("#key-value", typed)
            page.keyboard.press("Enter")
            if typed == "wrong":
                page.wait_for_selector("text=This key is not accepted.")
        page.wait_for_selector("text=There are no documents yet.")
        page.click("#open-collection")
        assert page.is_hidden("#dropzone")  # the key may not write
        page.reload()
        page.wait_for_selector("text=There are no documents yet.")
        assert page.is_hidden("#key")
        other = visit(address)
        other.wait_for_selector("#key[open]")
        other.keyboard.press("Escape")
        other.wait_for_selector("text=Without a key nothing can be asked here.")


def test_many_files_go_in_several_requests(reader: Reader, tmp_path: Path, visit: Open) -> None:
    """No request has more files than the service takes, and every one is followed to its end."""
    options = {"store": str(tmp_path / "store"), "data": tmp_path / "data", "max_upload_files": 2}
    names = ["kantine.html", "urlaub.md", "datenschutz.txt"]
    with serving(create_app(Settings(**options), reader)) as address:
        page = visit(address)
        page.wait_for_selector("text=There are no documents yet.")
        page.set_input_files("#files", [COLLECTION / "de" / name for name in names])
        page.wait_for_selector("text=Done: 2 documents can be asked.")
        page.wait_for_selector("text=Done: 1 document can be asked.")
        page.wait_for_selector("#documents li:nth-child(3)")
        page.set_input_files("#files", COLLECTION / "de" / names[0])
        page.wait_for_selector("text=Done: this was in the collection already.")


def test_large_collections_are_listed_and_looked_through(reader: Reader, tmp_path: Path, visit: Open) -> None:
    """More documents than one page holds: counted as such, shown on demand, found by name, deleted."""
    records = [
        json.dumps({"title": f"Bridge {n:03}", "text": f"It was built in {1500 + n}."}) for n in range(250)
    ]
    (tmp_path / "bridges.jsonl").write_text("\n".join(records), encoding="utf-8")
    fill(tmp_path / "store", tmp_path / "bridges.jsonl")
    with serving(create_app(settings(tmp_path), reader)) as address:
        page = visit(address)
        page.wait_for_selector("text=100+ documents in 1 language.")
        page.click("#open-collection")
        page.click("#more")
        page.wait_for_selector("#documents li:nth-child(200)")
        page.fill("#find", "bridge 24")
        page.wait_for_selector("text=250 documents in 1 language.", state="attached")
        page.wait_for_selector("#documents li:nth-child(10)")
        page.wait_for_selector("#documents li:nth-child(11)", state="detached")
        assert page.inner_text("#documents li:first-child a") == "Bridge 240"
        assert "250 documents" in page.inner_text("#open-collection")
        page.click("#documents li:first-child button")
        page.click("#confirm button[value=no]")
        assert page.locator("#documents li").count() == 10
        page.click("#documents li:first-child button")
        page.click("#confirm button[value=yes]")
        page.wait_for_selector("text=249 documents in 1 language.", state="attached")
        page.wait_for_selector("#documents li:nth-child(9)")
        page.wait_for_selector("#documents li:nth-child(10)", state="detached")
        page.wait_for_selector("text=Deleted: Bridge 240.")  # and it stays, though all was listed anew


def test_a_deletion_can_be_asked_for_again_at_once(reader: Reader, tmp_path: Path, visit: Open) -> None:
    """Declined and asked for again before the browser has told that the first question is closed: it is asked anew."""
    (tmp_path / "bridge.md").write_text("# Bridge\n\nIt was built in 1740.", encoding="utf-8")
    fill(tmp_path / "store", tmp_path / "bridge.md")
    with serving(create_app(settings(tmp_path), reader)) as address:
        page = visit(address)
        page.click("#open-collection")
        page.wait_for_selector("#documents li button")
        page.evaluate(
            """() => {
                const remove = document.querySelector("#documents li button");
                remove.click();
                document.querySelector("#confirm button[value=no]").click();
                remove.click();
            }"""
        )
        page.click("#confirm button[value=yes]")
        page.wait_for_selector("text=Deleted: Bridge.")


def test_progress_goes_on_after_a_broken_stream(empty: str, visit: Open) -> None:
    """Where the stream of a job ends before the job, it is taken up again: jobs survive a restart."""
    page = visit(empty)
    page.wait_for_selector("text=There are no documents yet.")
    broken: list[str] = []

    def once(route: Any) -> None:
        if broken:
            route.continue_()
            return
        broken.append(route.request.url)
        job = '{"state": "running", "files": 4, "files_done": 1, "documents": {}, "failures": []}'
        route.fulfill(body=f"event: job\ndata: {job}\n\n", content_type="text/event-stream")

    page.route("**/v1/jobs/*", once)
    page.set_input_files("#files", COLLECTION / "de" / "kantine.html")
    page.wait_for_selector("text=Reading: 1 of 4 files")
    page.wait_for_selector("text=Done: 1 document can be asked.")


def test_texts_are_never_taken_for_html(reader: Reader, tmp_path: Path, visit: Open) -> None:
    """Markup in names, texts and questions is shown as it is; no element comes of it, and no script runs."""
    evil = '<img src=x onerror="document.title=1"><b>bold</b>'
    file = tmp_path / "a<b onclick=x>.txt"
    file.write_text(f"The password of the {evil} gate is <i>sesame</i>.", encoding="utf-8")
    fill(tmp_path / "store", file)
    with serving(create_app(settings(tmp_path), reader)) as address:
        page = visit(address)
        ask(page, f"What is the password of the {evil} gate?")
        page.wait_for_selector(".answer")
        page.click(".place a")
        page.wait_for_selector("#reading-text mark")
        assert evil in page.inner_text("#reading-text")
        assert page.locator("main b, main i, main img, dialog b, dialog i, dialog img").count() == 0


def test_the_policy_lets_nothing_else_in(collection: str, visit: Open) -> None:
    """Styles, scripts and connections of other origins are refused, inline scripts too, and so are frames."""
    page = visit(collection)
    policy = page.request.get(collection).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    for rule in ("script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    for name in re.findall(r'(?:src|href)="(static/[^"]+)"', page.content()):
        assert page.request.get(collection + name).headers["x-content-type-options"] == "nosniff"
