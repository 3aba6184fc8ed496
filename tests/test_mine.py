"""A student's copies: they follow the course until they are changed, and then belong to the student alone."""

import re

import nbformat
import pytest

from publish import mine
from publish.course import ROOT, built_notebooks
from publish.mine import copy_notebooks


@pytest.fixture
def course(tmp_path):
    """A course of two notebooks and a companion; returns the folders of its notebooks and of the copies."""
    notebooks = tmp_path / "notebooks"
    for name in ("01_one", "02_two", "real_corpora/01_more"):
        path = notebooks / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f"{name}, first edition", "utf-8")
    return notebooks, tmp_path / "mine"


def texts(folder):
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.ipynb")}


def test_every_notebook_is_copied(course):
    notebooks, copies = course

    kept = copy_notebooks(notebooks, copies)

    assert kept == [] and texts(copies) == texts(notebooks)


def test_a_copy_follows_the_course_until_it_is_changed(course):
    notebooks, copies = course
    copy_notebooks(notebooks, copies)
    (copies / "02_two.ipynb").write_text("solved!", "utf-8")
    for path in notebooks.glob("*.ipynb"):
        path.write_text("second edition", "utf-8")

    kept = copy_notebooks(notebooks, copies)

    assert kept == ["02_two.ipynb"]
    assert texts(copies) == {
        "01_one.ipynb": "second edition",
        "02_two.ipynb": "solved!",
        "real_corpora/01_more.ipynb": "real_corpora/01_more, first edition",
    }
    assert copy_notebooks(notebooks, copies) == ["02_two.ipynb"]


def test_a_file_that_was_there_before_is_kept(course):
    notebooks, copies = course
    copies.mkdir()
    (copies / "01_one.ipynb").write_text("my own", "utf-8")

    assert copy_notebooks(notebooks, copies) == ["01_one.ipynb"]
    assert texts(copies)["01_one.ipynb"] == "my own"


def test_the_command_says_what_it_kept(course, monkeypatch, capsys):
    notebooks, copies = course
    copy_notebooks(notebooks, copies)
    (copies / "01_one.ipynb").write_text("solved!", "utf-8")
    monkeypatch.setattr(mine, "copy_notebooks", lambda: copy_notebooks(notebooks, copies))

    mine.main()

    assert "because you have changed them:\n  01_one.ipynb\n" in capsys.readouterr().out


def test_copies_find_every_picture_that_the_notebooks_show(tmp_path):
    copy_notebooks(mine=tmp_path / "mine")

    shown = {}
    for path in (tmp_path / "mine").rglob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for address in re.findall(r"(?:\]\(|src=\")([^)\"]+\.(?:svg|png))", cell.source):
                shown[(path.parent / address).resolve().relative_to(tmp_path)] = path.name

    assert len(shown) > 40
    assert [name for name in shown if not (ROOT / name).is_file()] == []


def test_git_ignores_the_copies_and_every_notebook_has_one(tmp_path):
    copy_notebooks(mine=tmp_path)

    assert f"\n{mine.MINE.name}/\n" in (ROOT / ".gitignore").read_text("utf-8")
    assert len(texts(tmp_path)) == len(built_notebooks()) > 10
