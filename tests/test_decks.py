"""Every slide of every deck is looked at in a browser: it fits, can be read, has its notes, and needs no network.

A gate is a function that takes what was measured on a deck and returns a list of problems. The gates are tried on
a deck that is made to fail them, one slide per defect, and on a clean one, before they judge the course's own.
"""

import base64
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pooch
import pytest
from browser import browser_or_skip, listen, serve
from lecture import lecture
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from pypdf import PdfReader, PdfWriter

from publish import browser as finder
from publish import slides
from publish.assets import PACKAGES, AssetError, Package, install_vendor
from publish.cells import slide_type, tags
from publish.course import decked_notebooks

SMALLEST_FONT = 18
SMALLEST_LABEL = 14
NO_ALT = ("", "No description has been provided for this image")  # the second is what nbconvert fills in
# Content stays clear of the margins and, at the bottom, of the slide number and the arrows.
LEFT, TOP, RIGHT, BOTTOM = 48, 24, 1280 - 48, 684

MEASURE = """() => {
  const unseen = 'aside.notes, script, style, .motif, .live, mjx-assistive-mml';
  const seen = (node) => node.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const formulas = (slide) => [...slide.querySelectorAll('mjx-merror, [data-mjx-error]')].map(
    (error) => error.getAttribute('data-mjx-error') || error.textContent);

  function pieces(slide) {
    const found = [];
    for (const element of slide.querySelectorAll('*')) {
      if (element.closest(unseen) || element.parentElement.closest('svg') || !seen(element)) continue;
      const name = element.getAttribute('class') || element.tagName;
      found.push({name, element, rects: [element.getBoundingClientRect()]});
      for (const text of element.childNodes) {
        if (text.nodeType !== Node.TEXT_NODE || !text.data.trim()) continue;
        const range = document.createRange();
        range.selectNodeContents(text);
        found.push({name: text.data.trim(), element, text: text.data, rects: [...range.getClientRects()]});
      }
    }
    return found.filter((piece) => piece.rects.some((rect) => rect.width && rect.height));
  }

  function extreme(found, edge, sign, origin) {
    let worst = {at: -Infinity, name: ''};
    for (const {name, rects} of found)
      for (const rect of rects) {
        const at = sign * (rect[edge] - origin) / Reveal.getScale();
        if (rect.width && rect.height && at >= worst.at - 0.5) worst = {at, name: name.slice(0, 60)};
      }
    return {at: Math.round(sign * worst.at), name: worst.name};
  }

  const rgba = (colour) => { const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];

  function ground(element) {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const layer = rgba(getComputedStyle(at).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  }

  function contrast(colour, below) {
    const light = (one) => { const [r, g, b] = one.slice(0, 3).map((c) => c / 255).map(
      (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const [a, b] = [light(over(rgba(colour), below)), light(below)].sort((a, b) => b - a);
    return (a + 0.05) / (b + 0.05);
  }

  // Text and formulas that stand out too little from what is behind them, in the light and in the dark.
  function faint(slide, found) {
    const root = document.documentElement;
    const inks = found.filter(({text}) => text !== undefined).map(({element, name}) => [element, 'color', name]);
    for (const glyph of slide.querySelectorAll('.row mjx-container :is(use, path, rect)'))
      if (!glyph.closest('defs') && seen(glyph.closest('mjx-container'))) inks.push([glyph, 'fill', 'formula']);
    const problems = [];
    for (const dark of [false, true]) {
      root.classList.toggle('dark', dark);
      for (const [element, property, name] of inks) {
        const style = getComputedStyle(element);
        const large = parseFloat(style.fontSize) >= (style.fontWeight >= 700 ? 18.66 : 24);
        const ratio = contrast(style[property], ground(element));
        const where = `${dark ? 'dark' : 'light'} ${ratio.toFixed(2)}: ${name.slice(0, 40)}`;
        if (ratio < (large ? 3 : 4.5)) problems.push(where);
      }
    }
    root.classList.remove('dark');
    return [...new Set(problems)];
  }

  // The height of the smallest letters of a diagram, as shown; of one whose letters are outlines nothing is known.
  function smallestLabel(image) {
    if (!image.src.startsWith('data:image/svg')) return null;
    const source = new TextDecoder().decode(Uint8Array.from(atob(image.src.split(',')[1]), (c) => c.charCodeAt(0)));
    const svg = new DOMParser().parseFromString(source, 'image/svg+xml').documentElement;
    const scale = image.getBoundingClientRect().width / Reveal.getScale() / svg.viewBox.baseVal.width;
    const sizes = [...svg.querySelectorAll('text, tspan')].map(
      (text) => parseFloat(text.style.fontSize || text.getAttribute('font-size')));
    return Math.min(...sizes.filter(Boolean).map((size) => size * scale));
  }

  const small = (control) => control.getBoundingClientRect().height / Reveal.getScale() < 24;
  const all = (slide, selector) => [...slide.querySelectorAll(selector)].filter((one) => !one.closest('aside'));

  function coversNumber(found) {
    const number = document.querySelector('.slide-number').getBoundingClientRect();
    const meets = (rect) => rect.width && rect.height && rect.left < number.right && rect.right > number.left
      && rect.top < number.bottom && rect.bottom > number.top;
    return found.filter(({text, rects}) => text !== undefined && rects.some(meets)).map(({name}) => name.slice(0, 60));
  }

  return Reveal.getSlides().map((slide) => {
    const {h, v} = Reveal.getIndices(slide);
    Reveal.slide(h, v, 9999);
    const frame = document.querySelector('.reveal .slides').getBoundingClientRect();
    const found = pieces(slide);
    const clipped = found.filter(({element, text}) => text === undefined
      && /auto|scroll|hidden|clip/.test(getComputedStyle(element).overflow)
      && (element.scrollHeight > element.clientHeight + 2 || element.scrollWidth > element.clientWidth + 2)
      && !element.closest('.widget-slider, .widget-hslider, select, input'));
    const written = found.filter(({element, text}) =>
      (text !== undefined || element.matches('input, select')) && !element.closest('svg'));
    const fonts = written.map(({element, name}) =>
      ({size: parseFloat(getComputedStyle(element).fontSize), name: name.slice(0, 60)}));
    const plain = found.filter(({element, text}) => text !== undefined && !element.closest('pre, code, kbd'));
    return {
      title: slide.querySelector('h1, h2, h3')?.textContent || '',
      left: extreme(found, 'left', -1, frame.left), right: extreme(found, 'right', 1, frame.left),
      top: extreme(found, 'top', -1, frame.top), bottom: extreme(found, 'bottom', 1, frame.top),
      clipped: clipped.map(({name}) => name.slice(0, 60)),
      font: fonts.reduce((a, b) => (b.size < a.size ? b : a), {size: 1000, name: ''}),
      kind: slide.dataset.kind,
      faint: faint(slide, found),
      covers: coversNumber(found),
      levels: all(slide, 'h1, h2, h3, h4').map((heading) => +heading.tagName[1]),
      labels: all(slide, 'img').filter((image) => image.naturalWidth).map(smallestLabel).filter(Boolean),
      controls: all(slide, 'button, input, select, summary, [role=slider]').filter(seen).filter(small)
        .map((control) => control.outerHTML.slice(0, 60)),
      formulas: formulas(slide),
      dollars: plain.flatMap(({text}) => text.match(/[$][^$]+[$]/g) || []),
      notes: [...slide.querySelectorAll('aside.notes .text')].map((note) => note.textContent).join(' ').trim(),
      images: [...slide.querySelectorAll('img')].map((image) =>
        ({alt: image.alt.trim(), width: image.naturalWidth, source: image.src.slice(0, 60)})),
      widgets: [...slide.querySelectorAll('.widget > .jupyter-widgets, .widget > * > .jupyter-widgets')].length,
    };
  });
}"""


@dataclass
class Deck:
    """What was measured on one deck."""

    path: Path
    slides: list
    widgets: int
    requests: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    pages: int = 0


def measure(notebook, folder, browser):
    """Build a notebook's deck and look at all of it: its slides over http, and as a file while its PDF is printed."""
    path = slides.build_html(notebook, folder)
    cells = nbformat.read(notebook, as_version=4).cells
    with serve(folder) as address, _listening(browser, address) as (page, requests, errors):
        slides.open_deck(page, f"{address}/{path.name}")
        measured = page.evaluate(MEASURE)
    with _listening(browser, folder.as_uri()) as (page, requests_of_file, errors_of_file):
        pdf = slides.build_pdf(path, page)
    return Deck(
        path=path,
        slides=measured,
        widgets=sum(_has_widget(cell) for cell in cells),
        requests=requests + requests_of_file,
        errors=errors + errors_of_file,
        pages=len(PdfReader(pdf).pages),
    )


@contextmanager
def _listening(browser, home):
    """Yield a page and two lists that grow: its requests to elsewhere than `home`, and its errors."""
    page = slides.new_page(browser)
    requests, errors = listen(page, home)
    yield page, requests, errors
    page.close()


def _has_widget(cell):
    """Is this a cell whose widget the deck must show?"""
    return slide_type(cell) not in ("skip", "notes") and "widget" in tags(cell)


# --- The gates -----------------------------------------------------------------------------------------------------


def _each(deck):
    """Yield (name of the slide, its measures)."""
    for number, slide in enumerate(deck.slides, 1):
        yield f"slide {number} ({slide['title'][:40]})", slide


def overflowing(deck):
    """Slides whose content leaves the frame or is cut off."""
    problems = []
    for name, slide in _each(deck):
        limits = {"left": (LEFT, -1), "top": (TOP, -1), "right": (RIGHT, 1), "bottom": (BOTTOM, 1)}
        for edge, (limit, sign) in limits.items():
            found = slide[edge]
            if sign * found["at"] > sign * limit:
                problems.append(f"{name}: {edge} edge at {found['at']}, limit {limit}: {found['name']!r}")
        problems += [f"{name}: cut off or scrolls: {what!r}" for what in slide["clipped"]]
    return problems


def too_small(deck):
    """Slides with letters that the last row cannot read."""
    return [
        f"{name}: {slide['font']['size']:g} px: {slide['font']['name']!r}"
        for name, slide in _each(deck)
        if slide["font"]["size"] < SMALLEST_FONT
    ]


def broken_formulas(deck):
    """Slides with a formula that MathJax rejects or does not see."""
    return [f"{name}: {formula!r}" for name, slide in _each(deck) for formula in slide["formulas"] + slide["dollars"]]


def without_notes(deck):
    """Slides that leave the speaker alone."""
    told = (one for one in _each(deck) if one[1]["kind"] != "agenda")
    return [f"{name}: no speaker notes" for name, slide in told if not slide["notes"]]


def bad_images(deck):
    """Pictures that are not there, or that say nothing to those who cannot see them."""
    problems = []
    for name, slide in _each(deck):
        for image in slide["images"]:
            problems += [] if image["width"] else [f"{name}: does not load: {image['source']}"]
            problems += [] if image["alt"] not in NO_ALT else [f"{name}: no alternative text: {image['source']}"]
    return problems


def faint_text(deck):
    """Text and formulas that stand out too little from their ground, in the light or in the dark."""
    return [f"{name}: {what}" for name, slide in _each(deck) for what in slide["faint"]]


def touching_the_number(deck):
    """Slides with text where the page number stands."""
    return [f"{name}: {what!r}" for name, slide in _each(deck) for what in slide["covers"]]


def small_labels(deck):
    """Diagrams whose labels are too small as shown."""
    small = ((name, size) for name, slide in _each(deck) for size in slide["labels"] if size < SMALLEST_LABEL)
    return [f"{name}: a label of {size:.1f} px" for name, size in small]


def small_controls(deck):
    """Buttons and sliders that a hand misses."""
    return [f"{name}: {what}" for name, slide in _each(deck) for what in slide["controls"]]


def unordered_headings(deck):
    """A second main heading, or a heading more than one level below the one before it."""
    problems, before = [], 0
    for name, slide in _each(deck):
        for level in slide["levels"]:
            if level > before + 1 or (level == 1 and before):
                problems.append(f"{name}: a heading of level {level} after one of level {before}")
            before = level
    return problems


def missing_widgets(deck):
    """Widgets of the notebook that the deck does not show."""
    shown = sum(slide["widgets"] for slide in deck.slides)
    return [f"{shown} of {deck.widgets} widgets are shown"] if shown < deck.widgets else []


def wrong_pages(deck):
    """A PDF that does not have one page per slide."""
    return [f"{deck.pages} PDF pages for {len(deck.slides)} slides"] if deck.pages != len(deck.slides) else []


def calls_out(deck):
    """Requests that leave the folder of the decks."""
    return sorted({f"asks for {url}" for url in deck.requests})


def complaints(deck):
    """Errors on the browser's console."""
    return sorted(set(deck.errors))


# --- The course's decks --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=decked_notebooks(), ids=lambda path: path.stem)
def deck(request, folder, browser):
    return measure(request.param, folder, browser)


GATES = (
    overflowing,
    too_small,
    broken_formulas,
    without_notes,
    bad_images,
    faint_text,
    touching_the_number,
    small_labels,
    small_controls,
    unordered_headings,
    missing_widgets,
    wrong_pages,
    calls_out,
    complaints,
)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.__name__)
def test_deck_is_fit_to_be_shown(deck, gate):
    problems = gate(deck)

    assert not problems, "\n".join([f"{deck.path.stem}: {gate.__doc__}", *problems])


# --- The gates' own test -------------------------------------------------------------------------------------------

SMALL = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 100"><text y="50" font-size="12">x</text></svg>'
LABEL = f"data:image/svg+xml;base64,{base64.b64encode(SMALL.encode()).decode()}"
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="


def slide(*parts, notes=True):
    """A slide of Markdown texts or ready-made cells, with notes for the speaker."""
    cells = [new_markdown_cell(part) if isinstance(part, str) else part for part in parts]
    cells[0].metadata["slideshow"] = {"slide_type": "slide"}
    if notes:
        cells.append(new_markdown_cell("Say this.", metadata={"slideshow": {"slide_type": "notes"}}))
    return cells


def showing(**content):
    """A code cell that displays the given content."""
    data = {key.replace("_", "/"): value for key, value in content.items()}
    return new_code_cell("draw()", outputs=[new_output("display_data", data)])


def slider_cell(state):
    """A widget's cell, and the notebook metadata that holds its state if `state` is true."""
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "a", "version_major": 2, "version_minor": 0}}
    output = new_output("display_data", {**view, "text/plain": "IntSlider(value=3)"})
    cell = new_code_cell("interact(draw)", outputs=[output], metadata={"tags": ["widget"]})
    slider = {"description": "$n$", "layout": "IPY_MODEL_b", "style": "IPY_MODEL_c"}
    models = {
        "a": _model("controls", "IntSliderModel", slider),
        "b": _model("base", "LayoutModel", {}),
        "c": _model("controls", "SliderStyleModel", {}),
    }
    stored = {"state": models, "version_major": 2, "version_minor": 0}
    return cell, {"widgets": {"application/vnd.jupyter.widget-state+json": stored}} if state else {}


def _model(module, name, state):
    """One widget model as a notebook stores it."""
    return {
        "model_module": f"@jupyter-widgets/{module}",
        "model_module_version": "2.0.0",
        "model_name": name,
        "state": state,
    }


def planted(slides_of_cells, metadata, path):
    """Write a notebook of the given slides and return its path."""
    nbformat.write(new_notebook(cells=[cell for cells in slides_of_cells for cell in cells], metadata=metadata), path)
    return path


@pytest.fixture(scope="module")
def clean_deck(folder, browser, tmp_path_factory):
    home = tmp_path_factory.mktemp("clean")
    widget, metadata = slider_cell(state=True)
    widget.metadata["slideshow"] = {"slide_type": "fragment"}
    return measure(planted(lecture(home, widget), metadata, home / "00_clean.ipynb"), folder, browser)


def _stream(text):
    return new_output("stream", text=text)


DEFECTS = {
    "title": slide("# 0 · A deck with defects"),
    "below": slide("## Below", *["A line of text.\n"] * 20),
    "below_in_fragment": slide(
        "## Fragment", new_markdown_cell("Line.<br>" * 25, metadata={"slideshow": {"slide_type": "fragment"}})
    ),
    "beside": slide("## Beside\n\n$$" + " + ".join(["x_{t}^{2}"] * 40) + "$$"),
    "scrolls": slide('## Scrolls\n\n<div style="overflow: auto; height: 90px">' + "Line.<br>" * 9 + "</div>"),
    "tiny": slide('## Tiny\n\n<span style="font-size: 17px">Small print.</span>'),
    "formula": slide("## Formula\n\nA formula without its end: $\\frac{1$."),
    "dollars": slide('## Dollars\n\n<span class="mathjax_ignore">$x$</span>'),
    "notes": slide("## No notes", notes=False),
    "alt": slide(f'## No alternative text\n\n<img src="{DOT}">'),
    "image": slide('## Broken image\n\n<img alt="Nothing." src="data:image/png;base64,AAAA">'),
    "elsewhere": slide('## Elsewhere\n\n<img alt="A dot." src="https://example.invalid/dot.png">'),
    "script": slide("## Script", showing(text_html='<script src="https://example.invalid/dot.js"></script>')),
    "throws": slide("## Throws", showing(text_html="<script>throw new Error('planted')</script>")),
    "widget": slide("## Widget", slider_cell(state=False)[0]),
    "faint": slide('## Faint\n\n<span style="color: #999999">Grey on white.</span>'),
    "faint_in_the_dark": slide('## Faint in the dark\n\n<span style="color: #222222">Black on black.</span>'),
    "faint_formula": slide("## Faint formula\n\n$\\style{fill: #bbbbbb}{x}$"),
    "number": slide('## Number\n\n<p style="position: absolute; left: 60px; top: 664px">Down here.</p>'),
    "label": slide(f'## Label\n\n<img alt="An x." src="{LABEL}">'),
    "control": slide('## Control\n\n<button style="height: 22px; font-size: 18px">x</button>'),
    "heading": slide("## Heading\n\n#### Too deep"),
    "second_title": slide("# A second title"),
}


@pytest.fixture(scope="module")
def defective_deck(folder, browser, tmp_path_factory):
    home = tmp_path_factory.mktemp("defective")
    deck = measure(planted(DEFECTS.values(), {}, home / "00_defective.ipynb"), folder, browser)
    deck.pages -= 1
    return deck


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.__name__)
def test_a_clean_deck_passes(clean_deck, gate):
    assert gate(clean_deck) == []


@pytest.mark.parametrize(
    "gate, defects",
    [
        (overflowing, ["below", "below_in_fragment", "beside", "scrolls", "number"]),
        (too_small, ["tiny"]),
        (broken_formulas, ["formula", "dollars"]),
        (without_notes, ["notes"]),
        (bad_images, ["alt", "image", "elsewhere"]),
        (faint_text, ["faint", "faint_in_the_dark", "faint_formula"]),
        (touching_the_number, ["below", "below_in_fragment", "number"]),
        (small_labels, ["label"]),
        (small_controls, ["control"]),
        (unordered_headings, ["heading", "second_title"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_planted_defect_is_found_on_its_slide_and_nowhere_else(defective_deck, gate, defects):
    found = {problem.split(":")[0].split(" (")[0] for problem in gate(defective_deck)}

    assert found == {f"slide {list(DEFECTS).index(defect) + 1}" for defect in defects}, gate(defective_deck)


def test_a_widget_that_is_not_shown_is_found(defective_deck):
    assert missing_widgets(defective_deck) == ["0 of 1 widgets are shown"]


def test_a_page_too_few_in_the_pdf_is_found(defective_deck):
    assert wrong_pages(defective_deck) == [f"{len(DEFECTS) - 1} PDF pages for {len(DEFECTS)} slides"]


def test_requests_to_elsewhere_are_found(defective_deck):
    assert calls_out(defective_deck) == [f"asks for https://example.invalid/dot.{kind}" for kind in ("js", "png")]


def test_errors_on_the_console_are_found(defective_deck):
    assert any("planted" in complaint for complaint in complaints(defective_deck))


# --- How decks are made --------------------------------------------------------------------------------------------


def test_speaker_notes_open_from_a_file(clean_deck, browser):
    page = slides.new_page(browser)
    slides.open_deck(page, clean_deck.path.as_uri())

    with page.expect_popup() as popup:
        page.keyboard.press("s")
    popup.value.wait_for_selector("text=Say this.")

    page.close()


def test_folded_cells_and_output_only_cells_hide_their_code(tmp_path):
    cells = [
        new_markdown_cell("# 0 · Title"),
        new_code_cell("plain"),
        new_code_cell("concealed", metadata={"tags": ["output-only"]}, outputs=[_stream("kept")]),
        new_code_cell("folded", metadata={"jupyter": {"source_hidden": True}}),
    ]

    page = slides.build_html(planted([cells], {}, tmp_path / "00_folded.ipynb"), tmp_path).read_text("utf-8")

    assert [word in page for word in ("plain", "concealed", "kept", "folded")] == [True, False, True, False]


def test_a_picture_that_does_not_exist_is_an_error(tmp_path):
    notebook = planted([slide("# 0 · T\n\n![A dot.](nowhere.svg)")], {}, tmp_path / "00_missing.ipynb")

    with pytest.raises(slides.SlidesError, match=r"00_missing.ipynb shows nowhere.svg, which does not exist"):
        slides.build_html(notebook, tmp_path)


@pytest.mark.parametrize(
    "address, kind, problem",
    [
        ("../secret.png", None, "which lies outside the course"),
        ("link.png", None, "which lies outside the course"),
        ("notes.txt", "no picture", r"but it is none \(text/plain\)"),
        ("notes", "no picture", r"but it is none \(no known type\)"),
    ],
)
def test_a_deck_carries_no_file_away_that_is_no_picture_of_the_course(address, kind, problem, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    (home / "link.png").symlink_to(tmp_path / "secret.png")
    if kind:
        (home / address).write_text(kind, "utf-8")
    notebook = planted([slide(f"# 0 · T\n\n![A dot.]({address})")], {}, home / "00_curious.ipynb")

    with pytest.raises(slides.SlidesError, match=problem):
        slides.build_html(notebook, home)


@pytest.mark.parametrize("root, ci, sandbox", [(0, "", False), (1000, "", True), (1000, "true", False)])
def test_the_browser_leaves_its_sandbox_only_for_root_and_on_ci(root, ci, sandbox, monkeypatch):
    monkeypatch.setattr(finder.os, "geteuid", lambda: root, raising=False)
    monkeypatch.setenv("CI", ci)
    asked = SimpleNamespace(chromium=SimpleNamespace(launch=lambda **options: options))

    options = finder.launch(asked, "/usr/bin/chromium")

    assert options["chromium_sandbox"] == sandbox and "--no-sandbox" not in options["args"]


def test_a_browser_that_does_not_start_is_named(monkeypatch):
    def launch(**_):
        raise finder.Error("No usable sandbox!\nA page of details.")

    asked = SimpleNamespace(chromium=SimpleNamespace(launch=launch))

    with pytest.raises(finder.BrowserError, match="^/usr/bin/chromium does not start: No usable sandbox!$"):
        finder.launch(asked, "/usr/bin/chromium")


def test_a_pdf_waits_for_its_pages_however_long_the_browser_takes_to_lay_them_out(clean_deck, browser):
    page = slides.new_page(browser)
    page.add_init_script(
        "const soon = requestAnimationFrame; window.requestAnimationFrame = (draw) => setTimeout(soon, 300, draw);"
    )

    pdf = slides.build_pdf(clean_deck.path, page)

    assert len(PdfReader(pdf).pages) == len(clean_deck.slides)
    page.close()


def test_a_pdf_of_another_number_of_pages_is_refused_and_nothing_is_written(tmp_path):
    one_page = PdfWriter()
    one_page.add_blank_page(9, 9)
    content = BytesIO()
    one_page.write(content)
    page = SimpleNamespace(
        goto=lambda address: None,
        wait_for_selector=lambda *_, **__: None,
        evaluate=lambda script: 6,
        pdf=lambda **_: content.getvalue(),
    )

    with pytest.raises(slides.SlidesError, match="00_deck.html: the browser printed 1 pages for 6 slides"):
        slides.build_pdf(tmp_path / "00_deck.html", page)

    assert list(tmp_path.iterdir()) == []


def test_without_a_browser_the_html_is_written_and_a_message_tells_how_to_get_the_pdf(
    folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(slides, "open_browser", lambda: nullcontext(None))
    monkeypatch.setattr(slides, "install_vendor", lambda folder: None)
    notebook = planted([slide("# 0 · A *deck*")], {}, tmp_path / "00_alone.ipynb")

    slides.build_decks([notebook], tmp_path)

    assert "playwright install chromium" in capsys.readouterr().out
    assert '<a href="00_alone.html">A deck</a>' in (tmp_path / "index.html").read_text("utf-8")
    assert not (tmp_path / "00_alone.pdf").exists()
    with pytest.raises(slides.SlidesError, match="PDFs and pictures of the slides need one"):
        slides.build_decks([notebook], tmp_path, require_pdf=True)


def test_no_browser_on_the_machine_is_noticed(monkeypatch):
    monkeypatch.setattr(finder.shutil, "which", lambda name: None)
    monkeypatch.setattr(finder, "PLACES", ())

    nothing_installed = SimpleNamespace(chromium=SimpleNamespace(executable_path="/nowhere/chrome"))

    assert finder.find_browser(nothing_installed) is None


@pytest.mark.parametrize("ci, outcome", [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_browser_skips_but_fails_on_ci(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr("browser.open_browser", lambda: nullcontext(None))

    with pytest.raises(outcome, match="playwright install chromium"), browser_or_skip():
        pass


def test_offline_and_without_cache_the_error_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("network is unreachable")

    monkeypatch.setattr(pooch, "retrieve", refuse)

    with pytest.raises(AssetError, match=r"reveal.js 5.2.1.*\n?.*Connect to the internet once"):
        install_vendor(tmp_path / "vendor", PACKAGES, tmp_path / "cache")
    assert not (tmp_path / "vendor").exists()


def test_an_archive_with_other_content_is_refused(tmp_path, monkeypatch):
    (tmp_path / "dot" / "-").mkdir(parents=True)
    (tmp_path / "dot" / "-" / "dot-1.0.tgz").write_text("not what was pinned")

    with serve(tmp_path) as address:
        monkeypatch.setattr("publish.assets.REGISTRY", address)
        with pytest.raises(AssetError, match=r"dot-1.0.tgz is not the file that this course was made with"):
            install_vendor(tmp_path / "vendor", [Package("dot", "1.0", "0" * 64, "MIT", {})], tmp_path / "cache")

    assert not list((tmp_path / "cache").iterdir())


def test_an_unknown_number_is_an_error_that_names_the_notebooks(tmp_path):
    with pytest.raises(slides.SlidesError, match=r"starts with '99'; there are \['01_counts'\]"):
        slides.choose(["99"], [tmp_path / "01_counts.ipynb"])
