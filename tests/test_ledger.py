"""Every topic of the course is executed in the notebooks that promise it, and no tag names an unknown topic."""

import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from publish.course import NOTEBOOKS, built_notebooks

LECTURES = [path for path in built_notebooks() if path.parent == NOTEBOOKS]
LEDGER = tomllib.loads(Path(__file__).with_name("ledger.toml").read_text("utf-8"))
COURSE = """00_start_here 01_ngram_lm 02_fixed_window_lm 03_vanilla_rnn 04_vanishing_gradients 05_gated_lm 05_lstm_gru
            06_bidirectional 07_seq2seq 07_translation 08_char_rnn 08_on_request 09_sequence_classification
            10_forecasting 11_captioning 12_learning_to_execute"""
IDS = """A1 A2 A3 A4 A5 A6 A7 A8 A9 A10
         B1 B2 B3 B3a B3b B3c B4 B4a B4b B4c B4d B5 B5a B5b B5c B5d B5e B6 B6a B6b B6c B6d B6e B7 B8 B9 B9a B9b
         C1 C2 C3 C4 C5 C6 C6a C6b C6c D1 D2 D3 D4 D5 E1 E2 E3 E4 E5 E6 F1 F2 G1 G2 G3 G4 G5"""


def problems_of(name, notebook, ledger=LEDGER):
    """What a notebook's topic tags lack or have too many."""
    promised = {topic for topic, entry in ledger.items() if name in entry.get("notebooks", [])}
    known = {topic for topic, entry in ledger.items() if "notebooks" in entry}
    executed, problems = set(), []
    for cell in notebook.cells:
        topics = {tag.removeprefix("topic-") for tag in cell.metadata.get("tags", []) if tag.startswith("topic-")}
        problems += [f"{name}: no topic {topic!r} in the ledger" for topic in sorted(topics - known)]
        if cell.cell_type == "code" and cell.execution_count:
            executed |= topics
        else:
            problems += [f"{name}: topic {topic} is tagged where nothing is executed" for topic in sorted(topics)]
    return problems + [f"{name}: no executed cell is tagged topic-{topic}" for topic in sorted(promised - executed)]


def test_the_ledger_holds_every_topic_of_the_lectures():
    assert list(LEDGER) == IDS.split()


def test_every_topic_has_a_short_title_and_notebooks_of_the_course():
    for topic, entry in LEDGER.items():
        assert 0 < len(entry["title"].split()) <= 12, topic
        assert set(entry.get("notebooks", [])) <= set(COURSE.split()), topic


def test_every_topic_has_a_notebook_or_else_children():
    for topic, entry in LEDGER.items():
        children = [other for other in LEDGER if other[:-1] == topic and other[-1].isalpha()]
        assert entry.get("notebooks") or len(children) > 1, topic


def test_every_notebook_of_the_course_has_a_topic_and_its_right_name():
    assert set().union(*(entry.get("notebooks", []) for entry in LEDGER.values())) == set(COURSE.split())
    assert {path.stem for path in LECTURES} <= set(COURSE.split())


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_a_notebook_executes_the_topics_that_it_promises(path):
    assert problems_of(path.stem, nbformat.read(path, 4)) == []


def test_companions_and_deep_dives_carry_known_topics_only():
    for path in set(built_notebooks()) - set(LECTURES):
        assert problems_of(f"{path.parent.name}/{path.stem}", nbformat.read(path, 4)) == []


# --- planted defects


def tagged(tag, execution_count=1):
    return new_code_cell("1", execution_count=execution_count, metadata={"tags": [tag]})


def small(*cells):
    """A notebook that promises the topics A1 and B5a, and carries them."""
    return new_notebook(cells=[tagged("topic-A1"), tagged("topic-B5a"), *cells])


PROMISED = {topic: {"notebooks": ["small"]} for topic in ("A1", "B5a")} | {"B5": {}, "A2": {"notebooks": ["other"]}}


def test_a_notebook_that_keeps_its_promises_has_no_problem():
    assert problems_of("small", small(tagged("topic-A2"), tagged("output-only")), PROMISED) == []


@pytest.mark.parametrize("planted, problem", [
    (tagged("topic-A11"), "no topic 'A11'"),
    (tagged("topic-"), "no topic ''"),
    (tagged("topic-B5"), "no topic 'B5'"),
    (tagged("topic-A2", execution_count=None), "nothing is executed"),
    (new_markdown_cell("text", metadata={"tags": ["topic-A2"]}), "nothing is executed"),
])  # fmt: skip
def test_a_wrong_tag_is_found(planted, problem):
    (found,) = problems_of("small", small(planted), PROMISED)

    assert problem in found


def test_a_topic_that_no_executed_cell_carries_is_found():
    notebook = small()
    notebook.cells[1].execution_count = None

    assert "small: no executed cell is tagged topic-B5a" in problems_of("small", notebook, PROMISED)
