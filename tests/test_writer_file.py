"""The writer that the course ships is what its file says, and the command that makes such files works."""

import platform
from zlib import crc32

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load

from course_utils.taught.char_rnn import ALPHABET, Writer, nats_per_character, python_functions
from course_utils.taught.seq2seq import build_vocab, pad_batch
from publish import model as command

V = len(ALPHABET) + 3
FUNCTIONS = {
    "train": [f"def f{i}(x):\n    return x + {i}" for i in range(40)],
    "validation": ["def g(x):\n    return x + 7", "def h(y):\n    return y"],
}
TINY = {"sizes": {"E": 4, "H": 12}, "passes": 6, "B": 8, "lr": 0.03}


def read(path):
    """The writer in a file, what the file says about it, and the hashes of the texts that it was trained on."""
    with safe_open(path, "pt") as file:
        about = file.metadata()
    writer = Writer(V, int(about["E"]), int(about["H"])).eval()
    weights = load(path.read_bytes())
    trained_on = set(weights.pop("trained_on").tolist())
    writer.load_state_dict(weights)
    return writer, about, trained_on


def nats(writer, texts):
    y = pad_batch(texts, build_vocab([ALPHABET]))
    return nats_per_character(writer, torch.zeros(len(y), 0), y)


@pytest.fixture(scope="module")
def shipped():
    return read(command.WRITER)


def test_the_shipped_file_is_small():
    assert command.WRITER.stat().st_size <= 3_000_000


def test_the_shipped_file_says_how_it_was_made(shipped):
    _, about, _ = shipped

    settings = {**command.SIZES, "dropout": command.DROPOUT, **command.TRAINING}
    assert {name: about[name] for name in settings} == {name: str(value) for name, value in settings.items()}
    assert {"python", "torch", "validation_nats"} <= about.keys()


def test_the_shipped_writer_has_the_validation_loss_that_its_file_states(shipped):
    writer, about, trained_on = shipped
    same_library = about["python"].split(".")[:2] == platform.python_version().split(".")[:2]

    held_out = [text for text in python_functions()["validation"] if crc32(text.encode()) not in trained_on]

    found = nats(writer, held_out)

    assert found == pytest.approx(float(about["validation_nats"]), abs=0.002 if same_library else 0.05)


def test_a_brief_training_learns():
    writer, after = command.train(FUNCTIONS, **TINY)

    torch.manual_seed(0)
    before = nats(Writer(V, 4, 12), FUNCTIONS["validation"])
    assert after < before - 1.5
    assert not writer.training


def test_training_twice_gives_the_same_weights():
    (first, nats_first), (second, nats_second) = (command.train(FUNCTIONS, **TINY) for _ in range(2))

    assert nats_first == nats_second
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_the_command_writes_a_file_with_the_loss_that_can_be_recomputed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "python_functions", lambda: FUNCTIONS)
    monkeypatch.setattr(command, "SIZES", TINY["sizes"])
    monkeypatch.setattr(command, "TRAINING", command.TRAINING | {"passes": 2, "B": 8})
    target = tmp_path / "new" / "writer.safetensors"

    command.main(["--to", str(target)])

    writer, about, trained_on = read(target)
    assert nats(writer, FUNCTIONS["validation"]) == pytest.approx(float(about["validation_nats"]), abs=1e-4)
    assert trained_on == {crc32(text.encode()) for text in FUNCTIONS["train"]}
    assert about["validation_nats"] in capsys.readouterr().out
    assert [path.name for path in target.parent.iterdir()] == ["writer.safetensors"]
