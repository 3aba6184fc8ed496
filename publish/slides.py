"""Make slide decks: each built notebook becomes an offline HTML deck and a PDF.

    python -m publish.slides              all notebooks, to dist/slides/
    python -m publish.slides 01 03        only these
    python -m publish.slides --pictures DIR   and a picture of every slide, to look at

A deck is one HTML file beside the folder vendor/; it needs no network and opens from a file manager as well.
"""

import argparse
import base64
import html
import mimetypes
import re
import shutil
import sys
from functools import partial
from io import BytesIO
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from PIL import Image
from pypdf import PdfReader
from tqdm import tqdm

from course_utils.plotting import COLOR
from publish.assets import AssetError, install_vendor
from publish.browser import BROWSER_HELP, BrowserError, open_browser
from publish.course import COMPANIONS, ROOT, decked_notebooks
from publish.deck import head_of, lecture_minutes, parts_of, rows_of, stacks_of
from publish.files import write_file
from publish.markup import SlidesError, code_html, legible, mark_right, markdown_of, marks_of, shows_code, shows_output

SLIDES = ROOT / "dist" / "slides"
TEMPLATES = Path(__file__).with_name("template")
WIDTH, HEIGHT = 1280, 720
# The ground of the lines of code that the deck points at; on any other text stands out more.
GROUNDS = {"light": "#FDF0E7", "dark": "#3A2A20"}
# Text in the colour of an idea: the figures' colours, made legible on it in the light and the dark.
INKS = {theme: {k: legible(v, ground) for k, v in COLOR.items()} for theme, ground in GROUNDS.items()}
# reveal.js counts fragments from 0; a number beyond the last one shows them all.
SHOW_WHOLE_SLIDE = "i => { const {h, v} = Reveal.getIndices(Reveal.getSlides()[i]); Reveal.slide(h, v, 9999); }"


# --- From notebook to HTML ---------------------------------------------------------------------------------------


def build_html(notebook, folder):
    """Write the deck of a notebook, folder/<name>.html.

    The folder must hold vendor/, see `publish.assets.install_vendor`.

    Args:
        notebook: path of a built notebook.
        folder: where the deck goes.

    Returns:
        The path of the deck.

    Raises:
        SlidesError: if the notebook shows a picture that does not exist, or if its cells' marks make no lecture.
    """
    content = nbformat.read(notebook, as_version=4)
    try:
        stacks = stacks_of(content)
    except SlidesError as error:
        raise SlidesError(f"{notebook.name}, {error}") from None
    exporter = HTMLExporter(
        extra_template_basedirs=[str(TEMPLATES)], template_name="deck", exclude_anchor_links=True, preprocessors=[]
    )
    exporter.register_filter("embed_images", partial(embed_images, notebook=notebook))
    for name in (code_html, head_of, mark_right, markdown_of, marks_of, rows_of, shows_code, shows_output):
        exporter.register_filter(name.__name__, name)
    resources = {"stacks": stacks, "parts": parts_of(stacks), "title": stacks[0][0]["title"] or "Slides"}
    resources |= {"minutes": lecture_minutes(stacks), "slides": sum(map(len, stacks))}
    resources |= {"colours": COLOR, "inks": INKS, "grounds": GROUNDS}
    resources["group"] = "Companions" if notebook.parent.name == COMPANIONS else "Lectures"
    page, _ = exporter.from_notebook_node(content, resources)
    return write_file(folder / f"{notebook.stem}.html", page.encode())


def embed_images(page, notebook):
    """Replace the addresses of local pictures in HTML by the pictures themselves.

    Args:
        page: HTML text.
        notebook: the notebook that it comes from; addresses are relative to its folder.

    Raises:
        SlidesError: if there is no such picture, or if it is a file that a deck must not carry away: none of the
            repository or of the notebook's folder, or no picture.
    """

    def embed(match):
        before, address, after = match.groups()
        if re.match(r"[a-z]+:", address):
            return match.group()
        picture = (notebook.parent / html.unescape(address)).resolve()
        kind = mimetypes.guess_type(picture.name)[0] or "no known type"
        if not any(picture.is_relative_to(home.resolve()) for home in (ROOT, notebook.parent)):
            raise SlidesError(f"{notebook.name} shows {address}, which lies outside the course: move it into figures/")
        if not picture.is_file():
            raise SlidesError(f"{notebook.name} shows {address}, which does not exist; see `make figures`")
        if not kind.startswith("image/"):
            raise SlidesError(f"{notebook.name} shows {address} as a picture, but it is none ({kind})")
        return f"{before}data:{kind};base64,{base64.b64encode(picture.read_bytes()).decode()}{after}"

    return re.sub(r'(<img\b[^>]*?\bsrc=")([^"]+)(")', embed, page)


# --- With a browser: PDF and pictures ----------------------------------------------------------------------------


def open_deck(page, address, query=""):
    """Open a deck in a browser page and wait until its formulas, widgets, pictures and pages are drawn.

    Args:
        page: a page of playwright.
        address: the deck's URL, http or file.
        query: added to the URL, e.g. "?print-pdf".
    """
    page.goto(address + query)
    page.wait_for_selector("body[data-ready]", state="attached", timeout=120_000)


def new_page(browser):
    """Return a new page of the browser, of a slide's size."""
    return browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})


def build_pdf(deck, page):
    """Print a deck, one page per slide, to the PDF of the same name, and return its path.

    Raises:
        SlidesError: if the browser printed more or fewer pages than there are slides; nothing is written then.
    """
    open_deck(page, deck.as_uri(), "?print-pdf")
    content = page.pdf(
        width=f"{WIDTH}px",
        height=f"{HEIGHT}px",
        print_background=True,
        prefer_css_page_size=True,
        tagged=True,
        outline=True,
    )
    pages, slides = len(PdfReader(BytesIO(content)).pages), page.evaluate("Reveal.getTotalSlides()")
    if pages != slides:
        raise SlidesError(f"{deck.name}: the browser printed {pages} pages for {slides} slides; run this again")
    return write_file(deck.with_suffix(".pdf"), content)


def take_pictures(deck, page, folder):
    """Save each slide with all its fragments as folder/<deck>/NN.png, and a dozen at a time as folder/<deck>-N.png."""
    shutil.rmtree(folder / deck.stem, ignore_errors=True)
    (folder / deck.stem).mkdir(parents=True)
    open_deck(page, deck.as_uri())
    pictures = []
    for number in range(page.evaluate("Reveal.getTotalSlides()")):
        page.evaluate(SHOW_WHOLE_SLIDE, number)
        pictures.append(folder / deck.stem / f"{number + 1:02d}.png")
        page.screenshot(path=pictures[-1], animations="disabled")
    for sheet, first in enumerate(range(0, len(pictures), 12)):
        contact_sheet(pictures[first : first + 12]).save(folder / f"{deck.stem}-{sheet + 1}.png")


def contact_sheet(pictures, columns=3, width=640, gap=12):
    """Return one image of all the given slides, small, in reading order."""
    height = width * HEIGHT // WIDTH
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + gap) + gap), "#888888")
    for i, picture in enumerate(pictures):
        place = gap + i % columns * (width + gap), gap + i // columns * (height + gap)
        sheet.paste(Image.open(picture).convert("RGB").resize((width, height), Image.Resampling.LANCZOS), place)
    return sheet


# --- The list of decks, and the command --------------------------------------------------------------------------


def build_index(folder):
    """Write folder/index.html, which lists the decks in the folder, lectures first, with minutes, slides and PDFs."""
    groups = {"Lectures": [], "Companions": []}
    for deck in sorted(folder.glob("[0-9][0-9]_*.html")):
        page = deck.read_text("utf-8")
        marks = [dict(re.findall(r'(\w+)="(.*?)"', mark)) for mark in re.findall("<meta [^>]*>", page)]
        about = {mark["name"]: mark["content"] for mark in marks if mark.get("name") in ("group", "minutes", "slides")}
        if "group" in about:  # a deck that an older course left there says nothing of itself
            groups[about["group"]].append(entry(deck, re.search(r"<title>(.*?)</title>", page)[1], **about))
    lists = (f"<h2>{name}</h2>\n<ul>\n{''.join(entries)}</ul>" for name, entries in groups.items() if entries)
    page = (TEMPLATES / "index.html").read_text("utf-8").replace("<!-- decks -->", "\n".join(lists))
    return write_file(folder / "index.html", page.encode())


def entry(deck, title, group, minutes, slides):
    """One deck's line in the index, as HTML."""
    number, _, name = title.rpartition(" · ")
    pdf = deck.with_suffix(".pdf")
    link = f'<a class="pdf" href="{pdf.name}" aria-label="PDF of {title}">PDF</a>' if pdf.exists() else ""
    return (
        f'<li><span class="number">{number}</span><a href="{deck.name}">{name}</a>'
        f'<span class="about">{float(minutes):.0f} min · {slides} slides</span><span class="about">{link}</span></li>\n'
    )


def build_decks(notebooks, folder, require_pdf=False, pictures=None):
    """Build the decks of notebooks, their PDFs and the index; print what is written.

    Args:
        notebooks: paths of built notebooks.
        folder: where the decks go.
        require_pdf: without a browser, fail instead of leaving the PDFs out.
        pictures: folder for a picture of every slide, or None.

    Raises:
        SlidesError: if a deck cannot be made, or no browser is there for a PDF or picture that is required.
        AssetError: if the decks' JavaScript is not cached and cannot be downloaded.
        BrowserError: if the browser does not start.
    """
    install_vendor(folder / "vendor")
    with open_browser() as browser:
        if not browser and (require_pdf or pictures):
            raise SlidesError(f"{BROWSER_HELP}; PDFs and pictures of the slides need one.")
        page = browser and new_page(browser)
        for notebook in tqdm(notebooks, desc="slides", unit="deck", disable=None):
            deck = build_html(notebook, folder)
            if page:
                build_pdf(deck, page)
            if pictures:
                take_pictures(deck, page, pictures)
    build_index(folder)
    print(f"{len(notebooks)} decks in {folder}; open {folder / 'index.html'}")
    if not browser:
        print(f"{BROWSER_HELP}; then run this again to get the PDFs as well.")


def choose(numbers, notebooks):
    """Return the notebooks whose names start with the given numbers; all of them if no number is given.

    Raises:
        SlidesError: if no notebook is built, or none has the given number.
    """
    if not notebooks:
        raise SlidesError("No notebook is built yet; `make notebooks` builds them.")
    for number in numbers:
        if not any(path.name.startswith(number) for path in notebooks):
            raise SlidesError(f"No built notebook starts with {number!r}; there are {[p.stem for p in notebooks]}")
    return [path for path in notebooks if not numbers or path.name.startswith(tuple(numbers))]


def main(arguments=None):
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description="Make slide decks (HTML and PDF) of the built notebooks.")
    parser.add_argument("numbers", nargs="*", metavar="NN", help="only the notebooks that start so, e.g. 01")
    parser.add_argument("--to", type=Path, default=SLIDES, metavar="DIR", help="folder of the decks (dist/slides)")
    parser.add_argument("--require-pdf", action="store_true", help="fail where no browser can print the PDFs")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="also save a picture of every slide here")
    options = parser.parse_args(arguments)
    try:
        notebooks = choose(options.numbers, decked_notebooks())
        folder = options.to.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        build_decks(notebooks, folder, options.require_pdf, options.pictures)
    except (SlidesError, AssetError, BrowserError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
