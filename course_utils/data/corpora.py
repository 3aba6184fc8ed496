"""Real corpora on request: downloaded once, checked, cached; or read from a local mirror.

Two environment variables move things: RNN_COURSE_DATA names a local mirror, which then stands in for the
network; RNN_COURSE_CACHE names the folder for downloads, by default the operating system's cache.
"""

import hashlib
import os
import tomllib
from pathlib import Path

import pooch

REGISTRY = Path(__file__).with_name("corpora.toml")
ADVICE = """Is there an internet connection? Try again; from another network, if a login page or a filter may have
answered instead. If the folder cannot be written to, name another one in RNN_COURSE_CACHE. Or put the file into a
folder laid out like the cache, and name that folder in RNN_COURSE_DATA."""


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
    url, folder, _ = _entry(name)
    pooch.get_logger().setLevel("WARNING")  # its messages would put paths of this machine into notebooks
    for file, sha256 in _missing(name):
        if os.environ.get("RNN_COURSE_DATA"):
            problem = f"RNN_COURSE_DATA names a local mirror, but {folder / file} is missing or not as published there."
            raise CorpusError(f"{problem} Put {url}/{file} there, or unset RNN_COURSE_DATA to download it.")
        try:
            downloader = pooch.HTTPDownloader(progressbar=True, timeout=30)
            pooch.retrieve(f"{url}/{file}", f"sha256:{sha256}", file, folder, downloader=downloader)
        except (OSError, ValueError) as error:  # those of requests are OSErrors, a wrong hash is a ValueError
            raise CorpusError(f"{url}/{file} did not arrive in {folder}: {error}\n{ADVICE}") from error
    return folder


def corpus_available(name):
    """Return whether the mirror or the cache holds a corpus whole and undamaged; the network is not asked."""
    return not _missing(name)


def _missing(name):
    """The files of a corpus that do not lie there as published: (name, sha256) pairs."""
    _, folder, files = _entry(name)
    return [(file, sha256) for file, sha256 in files.items() if not _is_intact(folder / file, sha256)]


def _is_intact(path, sha256):
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _entry(name):
    """Whence a corpus comes, the folder where it lies or will lie (in the mirror if one is named), and its files."""
    corpora = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))
    if name not in corpora:
        raise CorpusError(f"There is no corpus {name!r}. Known are: {', '.join(sorted(corpora))}.")
    root = os.environ.get("RNN_COURSE_DATA") or os.environ.get("RNN_COURSE_CACHE") or pooch.os_cache("rnn-course")
    corpus = corpora[name]
    return corpus["url"], Path(root).expanduser().resolve() / corpus["folder"], corpus["files"]
