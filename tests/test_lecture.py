"""A lecture that uses every mark does on the wall what its cells ask for: steps, polls, colours, sizes, keys, paper."""

import re

import pytest
from lecture import lecture
from pypdf import PdfReader
from test_decks import planted, slider_cell

from course_utils.plotting import COLOR
from publish import slides

PLACE = "(() => { const {h, v, f} = Reveal.getIndices(); return [h, v, f ?? -1]; })()"
FORWARD = ["PageDown", "ArrowRight", "ArrowDown", "Space", "n"]
BACK = ["PageUp", "ArrowLeft", "ArrowUp", "Shift+Space", "p"]
OPACITY = "nodes => nodes.map(node => node.checkVisibility({visibilityProperty: true, opacityProperty: true}))"


@pytest.fixture(scope="module")
def deck(folder, tmp_path_factory):
    home = tmp_path_factory.mktemp("lecture")
    widget, metadata = slider_cell(state=True)
    return slides.build_html(planted(lecture(home, widget), metadata, home / "00_lecture.ipynb"), folder)


@pytest.fixture
def page(browser, deck):
    page = slides.new_page(browser)
    slides.open_deck(page, deck.as_uri())
    yield page
    page.close()


def turn_to(page, title):
    """Turn to the slide with a title, before its first step, and return it."""
    page.evaluate(
        "title => Reveal.getSlides().forEach(slide => { if (slide.querySelector('h1, h2, h3')?.textContent === title)"
        " Reveal.slide(Reveal.getIndices(slide).h, Reveal.getIndices(slide).v, -1); })",
        title,
    )
    return page.locator("section.present section.present, section.present:not(.stack)").last


@pytest.mark.parametrize("forward, back", [*zip(FORWARD, BACK)])
def test_each_key_of_a_clicker_and_keyboard_goes_through_everything_and_back(page, forward, back):
    steps = page.evaluate("Reveal.getTotalSlides() - 1") + page.evaluate(
        "new Set(Reveal.getSlides().flatMap((slide, i) => [...slide.querySelectorAll('.fragment')]"
        ".map(step => i + ' ' + step.dataset.fragmentIndex))).size"
    )
    start, seen = page.evaluate(PLACE), set()
    for _ in range(steps):
        seen.add(tuple(page.evaluate(PLACE)))
        page.keyboard.press(forward)
    end = page.evaluate("Reveal.isLastSlide()")
    for _ in range(steps):
        page.keyboard.press(back)

    assert len(seen) == steps and end
    assert page.evaluate(PLACE) == start


def test_parts_are_stacks_with_dividers_that_mark_the_present_one(page):
    kinds = page.evaluate(
        "Reveal.getHorizontalSlides().map(stack => [...stack.querySelectorAll('section')].map(one => one.dataset.kind))"
    )
    now = page.locator(".agenda .now h2").all_text_contents()

    assert [stack[0] for stack in kinds] == ["title", "divider", "divider", "text"]
    assert kinds[0] == ["title", "agenda", "text"]
    assert now == ["Why gates?", "What gates do"]
    assert page.locator("[data-kind=agenda] .minutes").all_text_contents() == ["6 min", "12 min"]


def test_formulas_after_the_first_and_items_appear_step_by_step(page):
    turn_to(page, "One gate")
    formulas = page.locator("section.present .steps mjx-container[display=true]")
    shown = [formulas.evaluate_all(OPACITY)]
    for _ in range(2):
        page.keyboard.press("PageDown")
        shown.append(formulas.evaluate_all(OPACITY))
    turn_to(page, "What a gate can say")
    items = page.locator("section.present .present .steps li").evaluate_all(OPACITY)
    page.keyboard.press("PageDown")

    assert shown == [[True, False, False], [True, True, False], [True, True, True]]
    assert items == [False, False, False]
    assert page.locator("section.present .present .steps li").evaluate_all(OPACITY) == [True, False, False]


def test_code_is_pointed_at_line_by_line(page):
    turn_to(page, "One gate")
    lit = []
    for _ in range(6):
        lit.append(page.locator(".line.lit").evaluate_all("lines => lines.map(line => +line.dataset.line)"))
        page.keyboard.press("PageDown")

    assert lit == [[], [], [], [1], [2, 3], [4]]


def test_the_right_option_is_marked_with_its_answer_and_not_before(page):
    turn_to(page, "Predict · Which gate keeps the memory?")
    answer, right = page.locator("section.present .poll .answer"), page.locator(".poll li.right")
    mark = "option => getComputedStyle(option, '::after').content"
    before = answer.is_visible(), right.evaluate(mark)
    page.keyboard.press("PageDown")

    assert before == (False, "none")
    assert (answer.is_visible(), right.evaluate(mark)) == (True, '"✓"')
    assert right.text_content().strip().startswith("C")


def test_the_answer_to_an_exercise_is_its_last_step(page):
    turn_to(page, "Exercise 1 · One step")
    before = page.locator("section.present .present .answer").is_visible()
    page.keyboard.press("PageDown")

    assert not before
    assert page.locator("section.present .present .answer").is_visible()


def test_code_stands_beside_its_formula_and_both_show_an_idea_in_one_colour(page):
    slide = turn_to(page, "One gate")
    left, right = (slide.locator(".pane").nth(i).bounding_box() for i in (0, 1))
    symbol = slide.locator("mjx-container .ink-gate use, mjx-container .ink-gate path").first
    fill = symbol.evaluate("glyph => getComputedStyle(glyph).fill")
    name = slide.locator(".code .n-Gate").first.evaluate("name => getComputedStyle(name).color")
    rgb = [int(slides.INKS["light"]["gate"][i : i + 2], 16) for i in (1, 3, 5)]

    assert right["x"] >= left["x"] + left["width"] and right["y"] == left["y"]
    assert fill == name == f"rgb({rgb[0]}, {rgb[1]}, {rgb[2]})"
    assert slide.locator(".code .n-Gate").all_text_contents() == ["f", "f", "f"]


def test_code_fills_its_place(page):
    sizes = page.locator(".code pre").evaluate_all(
        "codes => codes.map(code => parseFloat(getComputedStyle(code).fontSize))"
    )

    assert len(sizes) == 3 and all(18 <= size <= 26 for size in sizes)
    assert sizes[0] < 26 and sizes[1] == sizes[2] == 26  # long lines beside a formula; short ones alone


def test_a_diagram_alone_takes_all_the_width_or_height(page):
    turn_to(page, "The cell")
    diagram = page.locator("section.present .present img").bounding_box()

    assert diagram["width"] >= 1130 or diagram["y"] + diagram["height"] >= 670


@pytest.mark.parametrize("query", ["", "?dark"])
def test_the_key_d_and_the_address_turn_the_lights_down(browser, deck, query):
    page = slides.new_page(browser)
    slides.open_deck(page, deck.as_uri(), query)
    ground = "getComputedStyle(document.body).backgroundColor"
    grounds = [page.evaluate(ground)]
    page.keyboard.press("d")
    grounds.append(page.evaluate(ground))
    page.close()

    light_and_dark = ["rgb(255, 255, 255)", "rgb(21, 25, 30)"]
    assert grounds == (light_and_dark[::-1] if query else light_and_dark)


def test_a_focused_slider_keeps_its_keys_and_gives_back_the_clickers(page):
    turn_to(page, "Turn the gate")
    place = page.evaluate(PLACE)
    handle = page.locator(".noUi-handle")
    handle.focus()
    value = handle.get_attribute("aria-valuenow")
    page.keyboard.press("ArrowRight")
    stayed = page.evaluate(PLACE) == place

    assert stayed and handle.get_attribute("aria-valuenow") != value
    page.keyboard.press("PageDown")
    assert page.evaluate(PLACE) != place
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(PLACE) == place


def test_the_keyboard_reaches_a_film_and_its_focus_is_seen(page):
    turn_to(page, "A film of the gate")
    place = page.evaluate(PLACE)
    for _ in range(9):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.film button')"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")

    assert outline == "3px"
    assert page.locator(".film output").text_content() == "bias 1"
    assert page.evaluate(PLACE) == place


def test_who_asked_for_less_motion_gets_none(browser, deck):
    page = browser.new_page(reduced_motion="reduce")
    slides.open_deck(page, deck.as_uri())
    moving = page.locator("body *").evaluate_all(
        "nodes => nodes.filter(node => parseFloat(getComputedStyle(node).transitionDuration) > 0"
        " || getComputedStyle(node).animationName !== 'none').map(node => node.className)"
    )
    page.close()

    assert moving == []


def test_the_speakers_window_shows_notes_and_the_pace(page):
    seconds = page.evaluate("Reveal.getSlides().map(slide => +slide.dataset.timing)")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    window = popup.value
    window.wait_for_selector("text=Say this.")
    window.wait_for_selector(".pacing-title", state="visible")
    window.wait_for_function(
        "document.querySelector('.pacing-minutes-value, .pacing .minutes-value').textContent !== ''"
    )

    assert page.evaluate("Reveal.getConfig().totalTime") == sum(seconds) == 60 * 20.5


def test_the_pdf_has_bookmarks_tags_and_addresses(page, deck):
    paper = PdfReader(slides.build_pdf(deck, page))
    title, below = paper.outline[0], paper.outline[1]
    names = [[one.title for one in group] if isinstance(group, list) else group.title for group in below]
    links = [a.get_object()["/A"]["/URI"] for sheet in paper.pages for a in sheet.get("/Annots", [])]

    assert title.title == "5 · Gates"
    assert names[2:4] == [
        "Why gates?",
        ["One gate", "What a gate can say", "Predict · Which gate keeps the memory?", "The cell"],
    ]
    assert paper.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert links == ["https://doi.org/10.1162/089976600300015015"]
    assert links[0] in paper.pages[-1].extract_text()


def test_paper_shows_all_steps_and_names_no_folder_of_this_machine(browser, deck):
    page = slides.new_page(browser)
    slides.open_deck(page, deck.as_uri(), "?print-pdf")

    assert all(page.locator(".fragment:not(.lines)").evaluate_all(OPACITY))
    assert page.locator(".line.lit").count() == 4
    assert page.locator("section a[href]:not([href^=http])").count() == 0
    page.close()


def test_links_to_notebooks_lead_to_their_decks(page):
    assert page.locator('a:text("notebook 4")').get_attribute("href") == "04_vanishing_gradients.html"


def test_the_index_lists_lectures_before_companions_with_minutes_and_slides(deck, tmp_path):
    page = deck.read_text("utf-8")
    (tmp_path / "00_lecture.html").write_text(page, "utf-8")
    (tmp_path / "00_lecture.pdf").touch()
    (tmp_path / "01_companion.html").write_text(page.replace('content="Lectures"', 'content="Companions"'), "utf-8")
    (tmp_path / "02_older.html").write_text("<title>2 · Old</title>", "utf-8")

    index = slides.build_index(tmp_path).read_text("utf-8")

    assert re.findall("<h2>(.*?)</h2>", index) == ["Lectures", "Companions", "Keys"]
    assert index.index("00_lecture.html") < index.index("<h2>Companions") < index.index("01_companion.html")
    assert index.count("20 min · 15 slides") == 2 and "02_older" not in index
    assert re.findall('href="([^"]*pdf)"', index) == ["00_lecture.pdf"]


def test_every_colour_of_the_course_has_an_ink():
    assert all(set(inks) == set(COLOR) for inks in slides.INKS.values())
