"""Real corpora on request: downloaded once, checked, cached; or read from a local mirror.

Two environment variables move things: RNN_COURSE_DATA names a local mirror, which then stands in for the
network; RNN_COURSE_CACHE names the folder for downloads, by default the operating system's cache.
"""

import difflib
import hashlib
import os
import tomllib
from pathlib import Path

REGISTRY = Path(__file__).with_name("corpora.toml")


class CorpusError(Exception):
    """A corpus cannot be had; the message says why and what to do."""


def fetch_corpus(name):
    """Return the folder that holds a corpus; download what is missing. Nothing else in the course downloads text.

    Args:
        name: a table of corpora.toml, e.g. "tiny_shakespeare".

    Returns:
        Path of the folder; its files, named in corpora.toml, are byte for byte as published.

    Raises:
        CorpusError: if the name is unknown, or a file is missing, damaged or out of reach.
    """
    corpus, folder = _entry(name), _folder(name)
    for file, sha256 in corpus["files"].items():
        if _is_intact(folder / file, sha256):
            continue
        if _mirror():
            raise CorpusError(_mirror_problem(folder / file, f"{corpus['url']}/{file}"))
        _download(f"{corpus['url']}/{file}", folder / file, sha256)
    return folder


def corpus_available(name):
    """Return whether the mirror or the cache holds a corpus whole and undamaged; the network is not asked."""
    folder = _folder(name)
    return all(_is_intact(folder / file, sha256) for file, sha256 in _entry(name)["files"].items())


def _entry(name):
    corpora = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))
    if name not in corpora:
        near = difflib.get_close_matches(str(name), corpora, n=1)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        raise CorpusError(f"There is no corpus {name!r}. {guess}Known are: {', '.join(sorted(corpora))}.")
    return corpora[name]


def _mirror():
    return os.environ.get("RNN_COURSE_DATA")


def _folder(name):
    """Where the corpus lies or will lie: in the mirror if one is named, else in the cache."""
    import pooch

    root = _mirror() or os.environ.get("RNN_COURSE_CACHE") or pooch.os_cache("rnn-course")
    return Path(root).expanduser().resolve() / _entry(name)["folder"]


def _is_intact(path, sha256):
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _mirror_problem(path, url):
    state = "is not the published one (wrong sha256)" if path.exists() else "does not exist"
    return (
        f"RNN_COURSE_DATA names a local mirror, but there {path} {state}. "
        f"Put {url} there, or unset RNN_COURSE_DATA to download it."
    )


def _download(url, path, sha256):
    """Download one file under a temporary name, check it, and move it into place."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # its messages would put paths of this machine into notebooks
    downloader = pooch.HTTPDownloader(progressbar=True, timeout=30)
    try:
        pooch.retrieve(url, f"sha256:{sha256}", path.name, path.parent, downloader=downloader)
    except requests.HTTPError as error:
        raise CorpusError(f"The server refused {url} ({error.response.status_code}). {_BY_HAND}") from error
    except requests.RequestException as error:  # before OSError, whose kind it is
        raise CorpusError(
            f"The download of {url} failed or broke off. Is there an internet connection? Try again. {_BY_HAND}"
        ) from error
    except ValueError as error:  # what pooch raises for a wrong hash
        raise CorpusError(
            f"What {url} sent is not the published file (wrong sha256); it was thrown away. A login page or a filter "
            f"in the network may have answered instead: try again from another network. {_BY_HAND}"
        ) from error
    except OSError as error:
        raise CorpusError(
            f"Cannot write to {path.parent} ({error}). Set RNN_COURSE_CACHE to a folder that can be written to."
        ) from error


_BY_HAND = "Or put the file into a folder laid out like the cache, and name that folder in RNN_COURSE_DATA."
