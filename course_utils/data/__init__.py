"""The course's texts: prose and a grammar that are always there, and real corpora on request."""

from course_utils.data.grammar import Grammar, load_grammar
from course_utils.data.prose import Splits, load_prose, tokenize

__all__ = ["Grammar", "Splits", "load_grammar", "load_prose", "tokenize"]
