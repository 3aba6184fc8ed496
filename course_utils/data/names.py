"""Names of countries and languages in 24 languages, from the tables that Babel brings along."""

import random
import re
import unicodedata
from collections import defaultdict

from course_utils.data.library import deal

LANGUAGES = ["cs", "cy", "de", "en", "es", "et", "eu", "fi", "fr", "ga", "hu", "is",
             "it", "lt", "lv", "nl", "pl", "pt", "ro", "sl", "sv", "sw", "tr", "vi"]  # fmt: skip
NOT_A_NAME = {"XA", "XB", "ZZ", "mul", "und", "zxx"}  # pseudo-locales, "unknown region", "several languages", …


def load_names(seed=0):
    """Return what countries and languages are called in 24 languages of Latin script, split by entity.

    An entity is a country, a region or a language with all its varieties; entities, not names, are dealt
    out (8 : 1 : 1), because the names of one entity resemble each other across languages. Left out are
    remarks in parentheses and names that two of the languages share ("Malta"), as these have no one answer.
    Upper and lower case count as the same, here and in that no name stands in two parts, or twice in one.

    Args:
        seed: non-negative int that decides which entities go where, and the order.

    Returns:
        Splits of lists of (name, language), e.g. ("Schweden", "German"): NFC-normalised str with their
        accents. The names depend on the version of Babel, for a given one they are fixed.

    Source: Unicode CLDR (Unicode-3.0 licence), as packaged by Babel.
    """
    rng, entities, languages = random.Random(seed), defaultdict(list), defaultdict(set)
    for entity, name, language in _entries():
        entities[entity].append((name, language))
        languages[name.casefold()].add(language)

    def own_names(entity):  # popped: each name is dealt out once
        return [pair for pair in entities[entity] if languages.pop(pair[0].casefold(), None) == {pair[1]}]

    splits = deal(map(own_names, rng.sample(sorted(entities), len(entities))))
    for part in splits:
        rng.shuffle(part)
    return splits


def _entries():
    """Yield (entity, name, language); an entity is "territory" or "language" with its code, "en" for "en_GB"."""
    from babel import Locale

    for locale in map(Locale, LANGUAGES):
        for kind, names in [("territory", locale.territories), ("language", locale.languages)]:
            for key in sorted(names.keys() - NOT_A_NAME):
                name = re.sub(r"\s*\([^)]*\)", "", names[key])
                yield f"{kind} {key.split('_')[0]}", unicodedata.normalize("NFC", name), locale.english_name
