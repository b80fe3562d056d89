#!/usr/bin/env python3
"""MiniLM as a user runs it: embeddings of hard sentences agree with other software (float64 numpy and
the `tokenizers` library, tests/oracle, kept in tests/golden/minilm), and their bytes depend neither
on the instruction set nor on threads nor on the batch. A damaged model is refused."""
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

import common

GOLDEN = common.ROOT / "tests" / "golden" / "minilm"
MODEL = common.BUILD / "models" / "all-MiniLM-L6-v2"
LEAST_COSINE = 0.99999


def read_npy(path):
    data = pathlib.Path(path).read_bytes()
    common.expect(data[:8] == b"\x93NUMPY\x01\x00", f"{path} is not .npy")
    (n,) = struct.unpack("<H", data[8:10])
    header = eval(data[10:10 + n], {"__builtins__": {}})
    common.expect(header["descr"] == "<f4" and not header["fortran_order"], header)
    rows, cols = header["shape"]
    values = struct.unpack(f"<{rows * cols}f", data[10 + n:])
    return [values[i * cols:(i + 1) * cols] for i in range(rows)]


def embed(sentences, out, threads=1, cpu=None, model=MODEL):
    env = {**os.environ, **({"ASSAY_CPU": cpu} if cpu else {})}
    return subprocess.run([common.ASSAY, "model", "run", model, "--input", sentences, "--out", out,
                           "--threads", str(threads)], env=env, capture_output=True, text=True)


def instruction_sets():
    flags = pathlib.Path("/proc/cpuinfo").read_text().split()
    needs = {"scalar": [], "avx2": ["avx2", "fma"], "avx512": ["avx512f", "avx512dq"]}
    return [name for name, need in needs.items() if all(flag in flags for flag in need)]


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b))
    return dot / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5


def check_accuracy(folder):
    out = folder / "y.npy"
    done = embed(GOLDEN / "sentences.txt", out)
    common.expect(done.returncode == 0, done.stderr)
    ours, theirs = read_npy(out), read_npy(GOLDEN / "embeddings.npy")
    common.expect(len(ours) == len(theirs) and len(ours[0]) == 384, "shape")
    least = min(cosine(a, b) for a, b in zip(ours, theirs))
    common.figure(f"MiniLM against float64: least cosine of {len(ours)} sentences {least:.11f}")
    common.expect(least >= LEAST_COSINE, f"cosine {least}")
    return out.read_bytes(), ours


def check_same_bytes(folder, wanted, ours):
    """Scalar code is slow: the long sentences are left out for it."""
    sets = instruction_sets()
    lines = (GOLDEN / "sentences.txt").read_bytes().split(b"\n")[:-1]
    short = [i for i, line in enumerate(lines) if len(line) < 300]
    (folder / "short.txt").write_bytes(b"".join(lines[i] + b"\n" for i in short))
    out = folder / "again.npy"
    for cpu in sets:
        sentences = folder / "short.txt" if cpu == "scalar" else GOLDEN / "sentences.txt"
        for threads in (1, 2):
            done = embed(sentences, out, threads, cpu)
            common.expect(done.returncode == 0, done.stderr)
            same = read_npy(out) == [ours[i] for i in short] if cpu == "scalar" else \
                out.read_bytes() == wanted
            common.expect(same, f"{cpu} with {threads} threads: other bytes")
    common.figure(f"same bytes under {', '.join(sets)} with 1 and 2 threads")
    done = embed(GOLDEN / "sentences.txt", folder / "no.npy", cpu="abacus")
    common.expect(done.returncode == 2, "an unknown ASSAY_CPU is a usage error")


def check_alone(folder, ours):
    lines = (GOLDEN / "sentences.txt").read_bytes().split(b"\n")
    for i in range(0, len(ours), 4):
        one, out = folder / "one.txt", folder / "one.npy"
        one.write_bytes(lines[i])  # without a newline at its end
        done = embed(one, out, 2)
        common.expect(done.returncode == 0, done.stderr)
        rows = read_npy(out)
        # An empty file has no line; an empty line before a newline is a sentence.
        common.expect(rows == ([ours[i]] if lines[i] else []), f"sentence {i + 1} alone differs")


def check_refusals(folder):
    bad = folder / "bad.txt"
    bad.write_bytes(b"fine\nnot \xff fine\n")
    done = embed(bad, folder / "bad.npy")
    common.expect(done.returncode == 1 and "line 2" in done.stderr, done.stderr)
    common.expect(not (folder / "bad.npy").exists(), "a refused input left an output")
    common.expect(embed(folder / "none.txt", folder / "no.npy").returncode == 3, "no input")
    done = embed(GOLDEN / "sentences.txt", folder / "no.npy", model=folder / "none")
    common.expect(done.returncode == 3, "no model")
    damaged = folder / "damaged"
    # Byte 300 of the program is in a weight's root.
    for name, at, place in (("weights.bin", 50_000_000, "weights.bin: weight"),
                            ("weights.bin", -1, "weights.bin: weight"),
                            ("program.bin", 300, "weights.bin: weight"),
                            ("program.bin", -1, "program.bin"), ("vocab.txt", 5, "vocabulary")):
        shutil.rmtree(damaged, ignore_errors=True)
        shutil.copytree(MODEL, damaged)
        with open(damaged / name, "r+b") as f:
            f.seek(at, 0 if at >= 0 else 2)
            byte = f.read(1)[0]
            f.seek(-1, 1)
            f.write(bytes([byte ^ 0x88]))
        done = embed(GOLDEN / "sentences.txt", folder / "no.npy", model=damaged)
        common.expect(done.returncode == 1 and place in done.stderr, f"{name}: {done.stderr}")
    os.truncate(damaged / "weights.bin", 1000)
    done = embed(GOLDEN / "sentences.txt", folder / "no.npy", model=damaged)
    common.expect(done.returncode == 1, "a cut file of weights was taken")


def run():
    subprocess.run(["python3", common.ROOT / "tools" / "fetch_minilm.py", MODEL,
                    "--assay", common.ASSAY], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        wanted, ours = check_accuracy(folder)
        check_same_bytes(folder, wanted, ours)
        check_alone(folder, ours)
        check_refusals(folder)


if __name__ == "__main__":
    common.main(run)
