"""Train the writer of Python functions that notebook 08 loads, with the code that the notebook teaches.

    python -m publish.model            to notebooks/models/python_writer.safetensors
    python -m publish.model --to FILE  elsewhere

It takes about eight minutes on one thread.
"""

import argparse
import platform
import zlib
from pathlib import Path

import torch
from safetensors.torch import save
from tqdm import tqdm

from course_utils.taught.char_rnn import ALPHABET, Writer, nats_per_character, python_functions, train_writer
from course_utils.taught.seq2seq import build_vocab, pad_batch
from publish.course import NOTEBOOKS
from publish.files import write_file

WRITER = NOTEBOOKS / "models" / "python_writer.safetensors"
# Chosen on the validation part.
SIZES = {"E": 64, "H": 320}
TRAINING = {"seed": 0, "passes": 8, "B": 32, "lr": 0.006, "weight_decay": 0.1}
DROPOUT = 0.2


def train(functions, sizes, **training):
    """Train a writer; return it and its loss on the held-out functions.

    Args:
        functions: the texts of the parts "train" and "validation", each a list of str.
        sizes: E, numbers in the vector of a character, and H, units of the LSTM.
        training: what replaces values of TRAINING.

    Returns:
        The trained network, ready to write, and its validation loss in nats per character.
    """
    settings, number = TRAINING | training, build_vocab([ALPHABET])
    rows = {part: pad_batch(functions[part], number) for part in ("train", "validation")}
    requests = {part: torch.zeros(len(y), 0) for part, y in rows.items()}
    torch.set_num_threads(1)
    torch.manual_seed(settings["seed"])
    writer = Writer(len(number) + 3, **sizes, dropout=DROPOUT)
    steps = settings["passes"] * -(-len(rows["train"]) // settings["B"])
    losses = train_writer(writer, requests["train"], rows["train"], **settings)
    for _ in tqdm(losses, total=steps, desc="writer", unit="step", disable=None):
        pass
    return writer.eval(), nats_per_character(writer, requests["validation"], rows["validation"])


def as_file(writer, nats, texts, sizes, **training):
    """The bytes of a writer's file: its weights, hashes of the texts that it was trained on, and how it was made."""
    about = {**sizes, "dropout": DROPOUT, **TRAINING, **training, "validation_nats": f"{nats:.4f}"}
    about |= {"python": platform.python_version(), "torch": torch.__version__}
    trained_on = torch.tensor(sorted(zlib.crc32(text.encode()) for text in texts))
    return save(writer.state_dict() | {"trained_on": trained_on}, {name: str(value) for name, value in about.items()})


def main(arguments=None):
    """Run the command."""
    parser = argparse.ArgumentParser(description="Train the writer of Python functions that notebook 08 loads.")
    parser.add_argument("--to", type=Path, default=WRITER, metavar="FILE", help="where it goes (notebooks/models/)")
    target = parser.parse_args(arguments).to
    functions = python_functions()
    writer, nats = train(functions, SIZES)
    write_file(target, as_file(writer, nats, functions["train"], SIZES))
    print(f"{target}: {nats:.4f} nats per character on the validation modules, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
