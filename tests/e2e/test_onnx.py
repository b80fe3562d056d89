#!/usr/bin/env python3
"""ONNX models as a user runs them: import, run with .npy files and a picture, show; every mistake is
named. The models are small ones of tests/corpus/onnx."""
import json
import pathlib
import struct
import subprocess
import tempfile
import zlib

import common

CORPUS = common.ROOT / "tests" / "corpus" / "onnx"
NUMBERS = {"f4": "f", "f8": "d", "i4": "i", "i8": "q", "b1": "?"}


def assay(*args):
    return subprocess.run([common.ASSAY, *map(str, args)], capture_output=True, text=True)


def answer(*args):
    done = assay(*args, "-o", "json")
    common.expect(done.returncode == 0, f"{args}: {done.stderr}")
    return json.loads(done.stdout)


def refused(code, text, *args):
    done = assay(*args)
    common.expect(done.returncode == code and text in done.stderr,
                  f"{args}: exit code {done.returncode}, '{text}' is not in: {done.stderr}")


def write_npy(path, dtype, shape, values):
    order = "|" if dtype == "b1" else "<"
    head = f"{{'descr': '{order}{dtype}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    head += " " * (117 - len(head)) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() +
                     struct.pack(f"<{len(values)}{NUMBERS[dtype]}", *values))
    return path


def read_npy(path):
    data = pathlib.Path(path).read_bytes()
    (n,) = struct.unpack("<H", data[8:10])
    head = eval(data[10:10 + n], {"__builtins__": {}, "False": False})
    kind = NUMBERS[head["descr"][1:]]
    rest = data[10 + n:]
    return head["shape"], list(struct.unpack(f"<{len(rest) // struct.calcsize(kind)}{kind}", rest))


def write_png(path, side):
    """Grey of one value, so that every resized pixel has it."""
    rows = b"".join(b"\0" + b"\x80" * side for _ in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", side, side, 8, 0, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


def check_program(folder):
    """y = x + k, k = (1.5, -2)."""
    model, out = folder / "add", folder / "out"
    answer("model", "import", CORPUS / "add", "--out", model, "--licence", "MIT")
    shown = answer("model", "show", model, "--dim", "n=3")
    common.expect(shown["licence"] == "MIT" and shown["program"] is True, shown)
    common.expect(shown["registrable"] is False and "token ids" in shown["why"], shown)
    common.expect(shown["operators"] == {"Add": 1} and shown["parameters"] == "2", shown)
    common.expect(shown["inputs"] == [{"name": "x", "type": "f32 (n, 2)"}], shown)
    common.expect(answer("model", "ls", folder)[0]["name"] == "add", "ls")
    x = write_npy(folder / "x.npy", "f4", (2, 2), [1, 2, 3, 4])
    ran = answer("model", "run", model, "--input", f"x={x}", "--out", out, "--trace", "--profile")
    common.expect(read_npy(out / "y.npy") == ((2, 2), [2.5, 0, 4.5, 2]), "values")
    common.expect(len(ran["trace"]) == 1 and len(ran["trace"][0]["root"]) == 64, ran)
    common.expect(ran["profile"] and ran["profile"][0]["kind"] == "OP_MAP", ran)
    common.expect("interpreted" not in ran, ran)
    wide = write_npy(folder / "wide.npy", "f8", (1, 2), [0.5, 1])
    done = assay("model", "run", model, "--input", f"x={wide}", "--out", out)
    common.expect(done.returncode == 0 and "converted from <f8" in done.stderr, done.stderr)
    common.expect(read_npy(out / "y.npy") == ((1, 2), [2, -1]), "values of f64")
    twice = folder / "twice"  # names its output y two times
    answer("model", "import", CORPUS / "twice", twice)
    answer("model", "run", twice, "--out", out, "--input",
           f"x={write_npy(folder / 'pair.npy', 'f4', (2,), [1, 2])}")
    common.expect(read_npy(out / "y.npy") == ((2,), [2, 4]), "an output that is named twice")


def check_control(folder):
    """A condition among the inputs: a program for its value where that is known, else of both branches."""
    model, out = folder / "if", folder / "if_out"
    answer("model", "import", CORPUS / "if", model)
    shown = answer("model", "show", model)
    common.expect(shown["program"] is True and "token ids" in shown["why"], shown)
    x = write_npy(folder / "x.npy", "f4", (1, 2), [-1, 0])
    for value, wanted in ((True, [1, 0]), (False, [2.7182817459106445, 1])):
        c = write_npy(folder / "c.npy", "b1", (), [value])
        ran = answer("model", "run", model, "--input", f"x={x}", "--input", f"c={c}", "--out", out)
        common.expect("interpreted" not in ran, ran)
        common.expect(read_npy(out / "y.npy") == ((1, 2), wanted), read_npy(out / "y.npy"))
    model = folder / "late"  # what the branches take is computed by a node behind
    answer("model", "import", CORPUS / "late", model)
    for value, wanted in ((True, [2.5, -2]), (False, [1, 0])):
        c = write_npy(folder / "c.npy", "b1", (), [value])
        answer("model", "run", model, "--input", f"x={x}", "--input", f"c={c}", "--out", out)
        common.expect(read_npy(out / "y.npy") == ((1, 2), wanted), read_npy(out / "y.npy"))
    model = folder / "loop"
    answer("model", "import", CORPUS / "loop", model)
    answer("model", "run", model, "--input", f"x={x}", "--out", out)
    common.expect(read_npy(out / "y.npy") == ((1, 2), [-4, 0]), "three times around")


def check_quantized(folder):
    """y = x w rate + state: three samples of x, for which the rate and the state are the same."""
    model = folder / "state"
    answer("model", "import", CORPUS / "state", model)
    given = {"x": ((3, 2), [1, 2, 3, 4, -5, 6]), "rate": ((), [2]), "state": ((2, 2), [0, 1, 2, 3])}
    inputs = [part for name, (shape, values) in given.items() for part in
              ("--input", f"{name}={write_npy(folder / f'{name}.npy', 'f4', shape, values)}")]
    for profile in ("q8", "int8"):
        made = answer("model", "quantize", model, "--profile", profile, "--out", folder / profile,
                      *inputs)
        common.expect(float(made["least_cosine"]) > 0.99, made)
    write_npy(folder / "state.npy", "f4", (4, 2), [0] * 8)
    refused(2, "one number of samples", "model", "quantize", model, "--profile", "q8", "--out",
            folder / "no", *inputs)


def check_picture(folder):
    done = assay("model", "run", folder / "add", "--input", f"x={write_png(folder / 'p.png', 300)}",
                 "--preprocess", "imagenet", "--out", folder / "no")
    common.expect(done.returncode == 1 and "input x: has 4 axes, not 2" in done.stderr, done.stderr)
    run = ("model", "run", folder / "add", "--out", folder / "no", "--input")
    refused(2, "--preprocess imagenet", *run, f"x={folder / 'p.png'}")
    cut = folder / "cut.png"
    cut.write_bytes((folder / "p.png").read_bytes()[:60])
    refused(1, "cut.png", *run, f"x={cut}", "--preprocess", "imagenet")


def check_mistakes(folder):
    model, out = folder / "add", folder / "no"
    run = ("model", "run", model, "--out", out, "--input")
    x = folder / "bad.npy"
    refused(1, "input x: is i64, not f32", *run, f"x={write_npy(x, 'i8', (1, 2), [1, 2])}")
    refused(1, "input x: has 1 axes, not 2", *run, f"x={write_npy(x, 'f4', (2,), [1, 2])}")
    refused(1, "input x: axis 1 has 3 elements, not 2", *run,
            f"x={write_npy(x, 'f4', (1, 3), [1, 2, 3])}")
    refused(2, "--input x=FILE", "model", "run", model, "--out", out)
    refused(2, "2 times --input", *run, f"x={folder / 'x.npy'}", "--input", f"y={x}")
    refused(3, "none.npy", *run, f"x={folder / 'none.npy'}")
    x.write_bytes(x.read_bytes()[:-1])
    refused(1, "bad.npy: 11 bytes of elements, its shape needs 12", *run, f"x={x}")
    refused(1, "needs 16 bytes of memory, 8 are allowed", "model", "run", model, "--out", out,
            "--input", f"x={folder / 'x2.npy'}", "--max-memory", "8")
    refused(2, "--max-memory takes a size", "model", "run", model, "--out", out, "--max-memory", "4Q")
    refused(1, "is there already", "model", "import", CORPUS / "add", model)
    refused(1, "MiB of memory", "model", "import", CORPUS / "add", folder / "new", "--max-memory", "1M")
    refused(3, "data.bin", "model", "import", CORPUS / "external", folder / "new")
    refused(3, "none.onnx", "model", "import", folder / "none.onnx", folder / "new")
    answer("model", "import", CORPUS / "attributes", folder / "odd")
    refused(1, "Odd", "model", "run", folder / "odd", "--out", out, "--input", f"x={folder / 'x.npy'}")
    common.expect(not out.exists() and not (folder / "new").exists(), "a refusal left something")


def run():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_npy(folder / "x2.npy", "f4", (2, 2), [1, 2, 3, 4])
        models = folder / "models"
        models.mkdir()
        check_program(models)
        write_npy(models / "x2.npy", "f4", (2, 2), [1, 2, 3, 4])
        check_control(models)
        check_picture(models)
        check_mistakes(models)
        quantized = folder / "quantized"
        quantized.mkdir()
        check_quantized(quantized)


if __name__ == "__main__":
    common.main(run)
