"""Names of countries and languages: nothing leaks between the parts, and every name has one answer."""

import random
import unicodedata
from collections import Counter, defaultdict
from types import SimpleNamespace

import babel
import pytest

from course_utils.data import load_names, names


@pytest.fixture(scope="module")
def splits():
    return load_names(seed=0)


@pytest.fixture
def tables(monkeypatch):
    """Let Babel know these tables only: {locale: (English name, territories, languages)}."""

    def replace(**locales):
        fields = ("english_name", "territories", "languages")
        monkeypatch.setattr(names, "LANGUAGES", sorted(locales))
        monkeypatch.setattr(babel, "Locale", lambda code: SimpleNamespace(**dict(zip(fields, locales[code]))))

    return replace


def all_sequences(splits):
    return sorted(pair for part in splits for pair in part)


# --- what is in it


def test_there_are_enough_names_and_their_parts_are_eight_to_one_to_one(splits):
    total = len(all_sequences(splits))

    assert total > 8000
    for part, share in zip(splits, (0.8, 0.1, 0.1)):
        assert len(part) / total == pytest.approx(share, abs=0.02)


def test_every_part_has_24_languages_and_none_is_rare(splits):
    for part in splits:
        counts = Counter(language for _, language in part)
        assert len(counts) == 24
        assert max(counts.values()) < 4 * min(counts.values())


def test_well_known_names_are_there(splits):
    known = {("Deutschland", "German"), ("Schweden", "German"), ("Tyskland", "Swedish"), ("Frakkland", "Icelandic")}

    assert known <= set(all_sequences(splits))


def test_names_are_short_composed_latin_text_without_parentheses(splits):
    for name, _ in all_sequences(splits):
        assert name == unicodedata.normalize("NFC", name) == name.strip()
        assert 1 < len(name) < 80
        assert not set(name) & set("()[]\t\n")
        letters = [char for char in name if char.isalpha() and unicodedata.category(char) != "Lm"]
        assert letters and all("LATIN" in unicodedata.name(char) for char in letters), name


def test_no_name_is_called_unknown_or_is_a_pseudo_locale(splits):
    texts = {name for name, _ in all_sequences(splits)}

    assert texts.isdisjoint({"Unknown Region", "Unknown language", "Pseudo-Accents", "Mehrere Sprachen"})


def test_every_name_has_one_language_whatever_its_case(splits):
    languages = defaultdict(set)
    for _, name, language in names._entries():
        languages[name.casefold()].add(language)

    assert len(languages["malta"]) > 1
    assert all(languages[name.casefold()] == {language} for name, language in all_sequences(splits))


# --- what leaks


def test_no_name_stands_in_two_parts_or_twice_in_one_whatever_its_case(splits):
    keys = Counter(name.casefold() for name, _ in all_sequences(splits))

    assert set(keys.values()) == {1}


@pytest.mark.parametrize("seed", [0, 1])
def test_no_entity_is_in_two_parts(seed):
    parts = [set(part) for part in load_names(seed)]
    entities, owners = defaultdict(set), Counter()
    for entity, name, language in set(names._entries()):
        entities[entity].add((name, language))
        owners[name.casefold()] += 1

    for entity, pairs in entities.items():
        own = {pair for pair in pairs if owners[pair[0].casefold()] == 1}
        assert sum(bool(own & part) for part in parts) <= 1, entity


def test_the_varieties_of_a_language_are_one_entity(tables):
    tables(en=("English", {"US": "America", "001": "world"}, {"en": "English", "en_GB": "British English"}))

    assert list(names._entries()) == [
        ("territory 001", "world", "English"),
        ("territory US", "America", "English"),
        ("language en", "English", "English"),
        ("language en", "British English", "English"),
    ]


# --- small tables, whose result is known


def test_shared_names_remarks_and_repetitions_are_left_out(tables):
    tables(
        de=("German", {"MT": "Malta", "SE": "Schweden", "XA": "Pseudo"}, {"gem": "Schweden (alt)", "und": "Unbekannt"}),
        fr=("French", {"MT": "malta", "SE": "Sue\u0300de"}, {}),
    )

    assert all_sequences(load_names()) == [("Schweden", "German"), ("Su\u00e8de", "French")]


@pytest.mark.parametrize("before, after", [
    ("Myanmar (Burma)", "Myanmar"),
    ("Cocos (Keeling) Islands", "Cocos Islands"),
    ("Kókusz (Keeling)-szigetek", "Kókusz-szigetek"),
    ("Guinea-Bissau", "Guinea-Bissau"),
])  # fmt: skip
def test_what_stands_in_parentheses_is_dropped(tables, before, after):
    tables(hu=("Hungarian", {"XX": before}, {}))

    assert all_sequences(load_names()) == [(after, "Hungarian")]


# --- the seed


def test_the_names_are_the_same_for_the_same_seed_only(splits):
    state = random.getstate()

    assert load_names(seed=0) == splits
    assert load_names(seed=1).test != splits.test
    assert random.getstate() == state


def test_the_seed_decides_the_parts_and_not_what_is_in_them_together(splits):
    same = {name.casefold() for name, _ in all_sequences(load_names(seed=1))}

    assert same == {name.casefold() for name, _ in all_sequences(splits)}


def test_changing_the_result_changes_nobody_elses():
    load_names(seed=0).train.clear()

    assert load_names(seed=0).train


def test_the_languages_are_mixed(splits):
    first = Counter(language for _, language in splits.train[:240])

    assert len(first) > 18
