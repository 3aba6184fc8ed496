"""Real English that every Python brings along: the language reference and the library's docstrings."""

import random
import re
from functools import cache
from itertools import groupby

from course_utils.data.library import deal, library

DOCSTRING = re.compile(r'(?:\A|:[ \t]*(?:\#[^\n]*)?\n)\s*(?:\#[^\n]*\n\s*)*[rRuU]?("""|\'\'\')(.*?)\1', re.DOTALL)
NOT_A_SENTENCE = re.compile(r"::=|>>>|\.\.\. |^\||\+-|^[-*=^~\"#]{4,}$", re.MULTILINE)
LIST_MARK = re.compile(
    r"^(?:[*-]|\d+\.|Note:|See also:|(?:Changed|New|Added) in version [\d.]+:|Deprecated since version [\d.]+:)\s+"
)
TOKEN = re.compile(r"[a-z]+(?:[-'’][a-z]+)*|\d+|[^\w\s]")


@cache
def load_prose(seed=0):
    """Return the prose as sentences of lower-case tokens, split by module.

    A document is one page of the language reference or all docstrings of one top-level module or
    package. Documents, not sentences, are dealt out (8 : 1 : 1), because docstrings of one module
    repeat each other nearly word by word; each goes to the part that lags behind its share. A sentence
    is kept once, where it occurs first.

    Args:
        seed: non-negative int that decides which documents go where.

    Returns:
        Splits of lists of str. The text depends on the Python version, for a given one it is fixed.

    Raises:
        FileNotFoundError: if this Python comes without its library's source.
    """
    documents = sorted(_documents().items())
    random.Random(seed).shuffle(documents)
    home = {}
    for name, text in documents:
        for sentence in sentences(text):
            home.setdefault(sentence, name)
    return deal([*map(tokenize, group)] for _, group in groupby(home, home.get))


def sentences(text):
    """Yield the English sentences among a page's paragraphs, code and tables left out."""
    for paragraph in re.split(r"\n\s*\n", text):
        if NOT_A_SENTENCE.search(paragraph):
            continue
        line = LIST_MARK.sub("", " ".join(paragraph.split()))
        line = re.sub(r"\*\*?([^*]+)\*\*?", r"\1", line)  # *emphasis*
        line = re.sub(r"(\w)- (\w)", r"\1-\2", line)  # a compound broken at its hyphen
        line = re.sub(r"[\"`]+(\w+)[\"`]+", r"\1", line)
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z(])", line):
            words = re.findall(r"[A-Za-z]{2,}", sentence)
            dense = len(words) >= max(4, 0.6 * len(TOKEN.findall(sentence.lower())))
            if dense and re.fullmatch(r"[A-Z][^=_\"`<>{}\[\]|\\@:]*[.!?]", sentence):
                yield sentence


def tokenize(sentence):
    """Split a sentence into lower-case words, numbers and punctuation marks."""
    return TOKEN.findall(sentence.lower())


def _documents():
    """Map a document's name to its text."""
    from pydoc_data.topics import topics

    documents = {f"reference/{name}": text for name, text in topics.items()}
    for module, sources in library().items():
        docstrings = [match[2] for source in sources for match in DOCSTRING.finditer(source)]
        if docstrings:
            documents[module] = "\n\n".join(docstrings)
    return documents
