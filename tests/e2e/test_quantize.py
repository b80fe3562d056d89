#!/usr/bin/env python3
"""A model of fewer bits as a user makes it: MiniLM in profile q8 stays near the one it is made from,
gives the same bytes under every instruction set and any threads, and is made the same each time."""
import json
import pathlib
import subprocess
import tempfile

import common
import test_minilm

LEAST_COSINE = 0.999


def quantise(folder, name, *more):
    return subprocess.run([common.ASSAY, "-o", "json", "model", "quantize", test_minilm.MODEL,
                           "--profile", "q8", "--out", folder / name, *more], capture_output=True,
                          text=True)


def check_accuracy(folder):
    sentences = test_minilm.GOLDEN / "sentences.txt"
    done = quantise(folder, "q8", "--input", sentences)
    common.expect(done.returncode == 0, done.stderr)
    said = json.loads(done.stdout)
    for model, out in ((test_minilm.MODEL, "f32.npy"), (folder / "q8", "q8.npy")):
        ran = test_minilm.embed(sentences, folder / out, 2, model=model)
        common.expect(ran.returncode == 0, ran.stderr)
    before, after = (test_minilm.read_npy(folder / name) for name in ("f32.npy", "q8.npy"))
    least = min(test_minilm.cosine(a, b) for a, b in zip(before, after))
    common.expect(least >= LEAST_COSINE, f"cosine {least}")
    common.expect(abs(float(said["least_cosine"]) - least) < 1e-6, f"{said}, but {least}")
    largest = max(abs(x - y) for a, b in zip(before, after) for x, y in zip(a, b))
    common.expect(abs(float(said["largest_difference"]) - largest) < 1e-6, f"{said}, but {largest}")
    common.expect(said["bytes_after"] < 0.3 * said["bytes_before"], said)
    common.figure(f"MiniLM q8 against f32: least cosine of {len(after)} sentences {least:.6f}, "
                  f"{said['bytes_after'] / said['bytes_before']:.2f} of the bytes")
    return (folder / "q8.npy").read_bytes(), after


def check_card(folder):
    cards = [json.loads((path / "model.json").read_text())
             for path in (test_minilm.MODEL, folder / "q8")]
    common.expect(cards[1]["parent"] == cards[0]["program_id"], "parent")
    common.expect(cards[1]["profile"] == "q8", "profile")
    done = quantise(folder, "again")
    common.expect(done.returncode == 0, done.stderr)
    for name in ("program.bin", "weights.bin"):
        common.expect((folder / "q8" / name).read_bytes() == (folder / "again" / name).read_bytes(),
                      f"{name} is another the second time")


def check_same_bytes(folder, wanted, rows):
    """Scalar code is slow: some short sentences will do for it."""
    lines = (test_minilm.GOLDEN / "sentences.txt").read_bytes().split(b"\n")[:-1]
    short = [i for i, line in enumerate(lines) if len(line) < 60]
    (folder / "short.txt").write_bytes(b"".join(lines[i] + b"\n" for i in short))
    out = folder / "again.npy"
    for cpu in test_minilm.instruction_sets():
        sentences = folder / "short.txt" if cpu == "scalar" else test_minilm.GOLDEN / "sentences.txt"
        for threads in (1, 2):
            done = test_minilm.embed(sentences, out, threads, cpu, folder / "q8")
            common.expect(done.returncode == 0, done.stderr)
            same = test_minilm.read_npy(out) == [rows[i] for i in short] if cpu == "scalar" else \
                out.read_bytes() == wanted
            common.expect(same, f"{cpu} with {threads} threads: other bytes")


def check_refusals(folder):
    done = quantise(folder, "q8")
    common.expect(done.returncode == 1 and "is there already" in done.stderr, done.stderr)
    model = subprocess.run([common.ASSAY, "model", "quantize", folder / "q8", "--profile", "q8",
                            "--out", folder / "twice"], capture_output=True, text=True)
    common.expect(model.returncode == 1 and "weights of f32" in model.stderr, model.stderr)
    common.expect(not (folder / "twice").exists(), "a refused model left a folder")
    model = subprocess.run([common.ASSAY, "model", "quantize", folder / "q8", "--profile", "q9",
                            "--out", folder / "q9"], capture_output=True, text=True)
    common.expect(model.returncode == 2 and "q9" in model.stderr, model.stderr)


def run():
    subprocess.run(["python3", common.ROOT / "tools" / "fetch_minilm.py", test_minilm.MODEL,
                    "--assay", common.ASSAY], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        wanted, rows = check_accuracy(folder)
        check_card(folder)
        check_same_bytes(folder, wanted, rows)
        check_refusals(folder)


if __name__ == "__main__":
    common.main(run)
