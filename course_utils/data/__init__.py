"""The course's texts: prose, programs, names and a grammar that are always there, and real corpora on request."""

from course_utils.data.corpora import CorpusError, corpus_available, fetch_corpus
from course_utils.data.grammar import Grammar, load_grammar
from course_utils.data.library import Splits, load_stdlib_sources
from course_utils.data.names import load_names
from course_utils.data.prose import load_prose, tokenize

__all__ = ["CorpusError", "Grammar", "Splits", "corpus_available", "fetch_corpus", "load_grammar", "load_names",
           "load_prose", "load_stdlib_sources", "tokenize"]  # fmt: skip
