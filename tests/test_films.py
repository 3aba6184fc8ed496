"""A film plays in JupyterLab and in an exported deck: by its button, by its slider, and with less motion if wanted."""

import contextlib
from pathlib import Path
from tempfile import mkdtemp

import nbformat
import pytest
from browser import listen
from lab import KERNEL, open_and_run, running_lab
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from publish import slides
from publish.course import ROOT

FILM = """
import matplotlib.pyplot as plt

from course_utils import show_film

def pictures():
    for x in range(4):
        figure, ax = plt.subplots(figsize=(3, 2))
        ax.plot(x, 0, "o")
        ax.set(xlim=(-1, 4))
        yield figure

show_film(pictures(), [f"</script> step {i}" for i in range(4)], "It moves.")
"""
STOPPED = "\u25b6"  # what the button shows while no film plays


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """An executed notebook with a film."""
    path = tmp_path_factory.mktemp("film") / "film.ipynb"
    cells = [new_markdown_cell("# A film"), new_code_cell(FILM)]
    for cell in cells:
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    film = new_notebook(cells=cells, metadata=KERNEL)
    NotebookClient(film, resources={"metadata": {"path": str(ROOT)}}).execute()
    nbformat.write(film, path)
    return path


@contextlib.contextmanager
def in_deck(notebook, page, folder):
    """The film on its slide of the exported deck."""
    deck = slides.build_html(notebook, folder)
    page.goto(f"{deck.as_uri()}#/1")
    yield page.locator(".present .film")


@contextlib.contextmanager
def in_lab(notebook, page, folder):
    """The film in JupyterLab, after the notebook has been run."""
    home = Path(mkdtemp(dir=notebook.parent))
    (home / "course_utils").symlink_to(ROOT / "course_utils")
    (home / "film.ipynb").write_bytes(notebook.read_bytes())
    with running_lab(home, home / "lab.log") as lab:
        open_and_run(page, lab, "film.ipynb")
        yield page.locator(".film")


@pytest.mark.parametrize("place", [in_deck, in_lab], ids=lambda place: place.__name__)
def test_a_film_plays_to_its_end_and_again_and_follows_its_slider(place, notebook, browser, folder):
    context = browser.new_context()
    page = context.new_page()
    _, errors = listen(page, "")
    with place(notebook, page, folder) as film:
        film.and_(page.locator("[data-ready]")).wait_for()
        seen = [film.locator("img").get_attribute("src")]
        for _ in range(2):
            film.locator("button").click()
            page.wait_for_function(
                "(label) => label.textContent === '</script> step 3'", arg=film.locator("output").element_handle()
            )
            seen.append(film.locator("img").get_attribute("src"))
            film.locator("button", has_text=STOPPED).wait_for()

        film.locator("input").fill("1")
        seen.append(film.locator("img").get_attribute("src"))

        assert film.locator("output").text_content() == "</script> step 1"
        assert film.locator("img").get_attribute("alt") == "</script> step 1"
        assert seen[1] == seen[2] and len(set(seen)) == 3
        assert errors == []
    context.close()


@pytest.mark.parametrize("place", [in_deck, in_lab], ids=lambda place: place.__name__)
def test_a_hand_finds_the_controls_below_the_middle_of_the_picture(place, notebook, browser, folder):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    with place(notebook, page, folder) as film:
        film.and_(page.locator("[data-ready]")).wait_for()
        picture, button, slider = (film.locator(tag).bounding_box() for tag in ("img", "button", "input"))

        assert min(button["width"], button["height"], slider["height"]) >= 24
        assert slider["width"] >= 300
        assert button["x"] < picture["x"] + picture["width"] / 2 < slider["x"] + slider["width"]
        assert button["y"] >= picture["y"] + picture["height"]
    context.close()


def test_with_less_motion_each_press_shows_one_picture(notebook, browser, folder):
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    with in_deck(notebook, page, folder) as film:
        film.and_(page.locator("[data-ready]")).wait_for()
        for label in ("</script> step 1", "</script> step 2"):
            film.locator("button").click()

            assert film.locator("output").text_content() == label
            assert film.locator("button").text_content() == STOPPED
    context.close()
