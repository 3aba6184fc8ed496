"""Downloads on request: what arrives is checked, what fails says so, and nothing half-written stays."""

import hashlib
import http.server
import os
import socket
import threading
import tomllib
from pathlib import Path

import pytest

from course_utils.data import CorpusError, corpora, corpus_available, fetch_corpus

MIRROR = os.environ.get("RNN_COURSE_DATA")
TEXT, MORE = b"Speak, speak.\n" * 5_000, b"First, you know.\n"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serve one good folder, and each way in which a download goes wrong."""

    def do_GET(self):
        folder, file = self.path.strip("/").split("/")
        self.server.requests.append(self.path)
        body = {"one.txt": TEXT, "two.txt": MORE}[file]
        if folder == "changed":
            body = body.replace(b"e", b"a")
        self.send_response(404 if folder == "gone" else 200)
        self.send_header("Content-Length", str(len(body) + (1_000 if folder == "truncated" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def cache(server, tmp_path, monkeypatch):
    """A registry of corpora at the test server, an empty cache, no mirror."""
    server.requests.clear()
    hashes = {"one.txt": hashlib.sha256(TEXT).hexdigest(), "two.txt": hashlib.sha256(MORE).hexdigest()}
    files = ", ".join(f'"{name}" = "{sha256}"' for name, sha256 in hashes.items())
    hosts = {name: server.server_port for name in ("good", "changed", "truncated", "gone")}
    registry = tmp_path / "corpora.toml"
    registry.write_text(
        "\n".join(
            f'[{name}]\nurl = "http://127.0.0.1:{port}/{name}"\nfolder = "{name}_folder"\nfiles = {{{files}}}'
            for name, port in {**hosts, "offline": _closed_port()}.items()
        )
    )
    monkeypatch.setattr(corpora, "REGISTRY", registry)
    monkeypatch.setenv("RNN_COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("RNN_COURSE_DATA", raising=False)
    return tmp_path / "cache"


def _closed_port():
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def files_under(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- Downloads that succeed ---------------------------------------------------------------------------------------


def test_a_corpus_arrives_whole_and_shows_its_progress(cache, capfd):
    folder = fetch_corpus("good")

    assert folder == cache / "good_folder"
    assert (folder / "one.txt").read_bytes() == TEXT and (folder / "two.txt").read_bytes() == MORE
    assert "100%" in capfd.readouterr().err
    assert files_under(cache) == sorted(
        [os.path.join("good_folder", "one.txt"), os.path.join("good_folder", "two.txt")]
    )


def test_a_second_call_asks_the_network_nothing(server):
    fetch_corpus("good")
    server.requests.clear()

    fetch_corpus("good")

    assert server.requests == []


def test_a_damaged_file_in_the_cache_is_replaced_and_the_others_are_kept(server):
    folder = fetch_corpus("good")
    (folder / "one.txt").write_bytes(TEXT[:100])
    server.requests.clear()

    fetch_corpus("good")

    assert (folder / "one.txt").read_bytes() == TEXT
    assert server.requests == ["/good/one.txt"]


def test_a_complete_cache_that_cannot_be_written_to_still_serves(monkeypatch):
    folder = fetch_corpus("good")
    monkeypatch.setattr("tempfile.NamedTemporaryFile", _refuse_to_write)

    assert fetch_corpus("good") == folder


def _refuse_to_write(*args, **kwargs):
    raise PermissionError("read-only")


# --- Downloads that fail: each says what to do, and leaves nothing behind -----------------------------------------


@pytest.mark.parametrize(
    "name, message",
    [
        ("changed", "SHA256 hash .* does not match.*Try again; from another network"),
        ("truncated", "IncompleteRead.*Try again"),
        ("gone", "404 Client Error.*RNN_COURSE_DATA"),
        ("offline", "NewConnectionError.*internet connection"),
    ],
)
def test_a_failed_download_says_what_to_do_and_leaves_nothing(cache, name, message):
    with pytest.raises(CorpusError, match=f"(?s)/{name}/one.txt did not arrive in .*{message}"):
        fetch_corpus(name)

    assert files_under(cache) == []
    assert not corpus_available(name)


def test_an_interrupted_download_leaves_nothing(cache, monkeypatch):
    def interrupt_after_some_bytes(self, url, output_file, pooch):
        Path(output_file).write_bytes(TEXT[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", interrupt_after_some_bytes)

    with pytest.raises(KeyboardInterrupt):
        fetch_corpus("good")

    assert files_under(cache) == []


def test_a_cache_that_cannot_be_written_to_names_the_way_out(tmp_path, monkeypatch):
    (tmp_path / "a_file").write_text("no folder")
    monkeypatch.setenv("RNN_COURSE_CACHE", str(tmp_path / "a_file"))

    with pytest.raises(CorpusError, match="(?s)did not arrive in .*a_file.*RNN_COURSE_CACHE"):
        fetch_corpus("good")


def test_a_read_only_cache_names_the_way_out(cache, monkeypatch):
    cache.mkdir()
    monkeypatch.setattr("tempfile.NamedTemporaryFile", _refuse_to_write)

    with pytest.raises(CorpusError, match="(?s)did not arrive in .*: read-only.*RNN_COURSE_CACHE"):
        fetch_corpus("good")


def test_an_unknown_name_is_told_the_known():
    with pytest.raises(CorpusError, match="no corpus 'goood'. Known are: changed, gone, good, offline"):
        fetch_corpus("goood")


# --- The local mirror ---------------------------------------------------------------------------------------------


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    folder = tmp_path / "mirror" / "good_folder"
    folder.mkdir(parents=True)
    (folder / "one.txt").write_bytes(TEXT)
    (folder / "two.txt").write_bytes(MORE)
    monkeypatch.setenv("RNN_COURSE_DATA", str(tmp_path / "mirror"))
    return folder


def test_a_mirror_stands_in_for_the_network_and_the_cache(mirror, server, cache):
    assert fetch_corpus("good") == mirror
    assert server.requests == [] and not cache.exists()


def test_a_mirror_without_the_file_names_both_ways_out(mirror, server):
    (mirror / "two.txt").unlink()

    with pytest.raises(CorpusError, match="two.txt is missing or .*good/two.txt there, or unset RNN_COURSE_DATA"):
        fetch_corpus("good")

    assert server.requests == [] and not corpus_available("good")


def test_a_mirror_with_another_text_is_refused(mirror):
    (mirror / "one.txt").write_bytes(TEXT + b"!")

    with pytest.raises(CorpusError, match="one.txt is missing or not as published there"):
        fetch_corpus("good")

    assert not corpus_available("good")


# --- Asking without downloading -----------------------------------------------------------------------------------


def test_asking_whether_a_corpus_is_there_never_touches_the_network(server):
    assert not corpus_available("good")

    fetch_corpus("good")
    server.requests.clear()

    assert corpus_available("good")
    assert server.requests == []


# --- The registry of the course -----------------------------------------------------------------------------------


@pytest.fixture
def course_registry(monkeypatch):
    path = Path(corpora.__file__).with_name("corpora.toml")
    monkeypatch.setattr(corpora, "REGISTRY", path)
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_every_corpus_is_pinned_and_credited(course_registry):
    for name, corpus in course_registry.items():
        assert set(corpus) == {"url", "folder", "bytes", "licence", "credit", "files"}, name
        assert corpus["url"].startswith("https://") and not corpus["url"].endswith("/"), name
        assert not any(branch in corpus["url"].split("/") for branch in ("main", "master", "latest")), name
        assert all(len(sha256) == 64 for sha256 in corpus["files"].values()), name


@pytest.mark.skipif(not MIRROR, reason="RNN_COURSE_DATA names no local mirror of the corpora")
def test_the_mirror_holds_every_corpus_as_registered(course_registry, monkeypatch):
    monkeypatch.setenv("RNN_COURSE_DATA", MIRROR)

    for name, corpus in course_registry.items():
        folder = fetch_corpus(name)
        assert sum((folder / file).stat().st_size for file in corpus["files"]) == corpus["bytes"], name
