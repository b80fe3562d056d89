#!/usr/bin/env python3
"""The same bits everywhere: tests/onnx/bits.py

Models are imported once, and run by builds of tests/portable.c: this machine's, with the kernels of
each instruction set and one and two threads; without optimisation, and by clang with all of it; and
for aarch64 and s390x (whose bytes lie the other way round) under qemu. Each answers with a hash of
every output's bytes, and all hashes of a model must be one.

Models: ONNX's own node cases, contrib.py's of other domains, whole networks among ONNX's light models,
all-MiniLM-L6-v2, which is run alone and in a batch of eight, and a network of every part that profile
int8 makes integers of. What the suite lists as unsupported is left out.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx

import contrib
import suite

ROOT = suite.ROOT
BUILD = ROOT / "build"
ASSAY = BUILD / "assay"
MINILM = BUILD / "models" / "all-MiniLM-L6-v2"
NETWORKS = ("light_squeezenet", "light_shufflenet")
TOKENS = 4
INSTRUCTION_SETS = ("avx2", "avx512", "int_avx2", "int_vnni", "int_amx")
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-fwrapv", "-fno-strict-aliasing", "-ffp-contract=off",
         "-DAY_STEPS=ay_steps_scalar", "-Isrc", "-static", "-pthread"]
# name, compiler and its options, what runs the result
FOREIGN = [
    ("gcc -O0", ["gcc", "-O0", "-DAY_KERNELS_SCALAR_ONLY"], []),
    ("clang -O3", ["clang-14", "-O3", "-DAY_KERNELS_SCALAR_ONLY"], []),
    ("aarch64", ["aarch64-linux-gnu-gcc", "-O2"], ["qemu-aarch64"]),
    ("s390x", ["s390x-linux-gnu-gcc", "-O2"], ["qemu-s390x"]),
]


# What a source of the runtime does not include: libraries, files of models, and what tests share.
FOREIGN_HEADERS = ("<jansson.h>", "<utf8proc.h>", '"crypto/', '"tensor/folder.h"', '"tensor/model',
                   '"tensor/image', '"tensor/safetensors.h"', '"tensor/bert.h"', '"tensor/testing.h"')


def sources():
    """The runtime: all that needs no library, with the kernels of no instruction set in particular."""
    found = [ROOT / "tests/portable.c"]
    for folder in ("src/base", "src/base/gen", "src/tensor", "src/tensor/ref", "src/tensor/lower",
                   "src/tensor/kernel"):
        for path in sorted((ROOT / folder).glob("*.c")):
            headers = [line for line in path.read_text().splitlines() if line.startswith("#include")]
            if path.stem.startswith(("test_", "fuzz_", "emulated_")) or path.stem in INSTRUCTION_SETS:
                continue
            if not any(foreign in line for line in headers for foreign in FOREIGN_HEADERS):
                found.append(path)
    return [str(path.relative_to(ROOT)) for path in found]


def build(name, compiler, folder):
    out = folder / name.replace(" ", "")
    subprocess.run([*compiler, *FLAGS, *sources(), "-o", str(out), "-lm"], cwd=ROOT, check=True)
    return out


def commands(folder):
    """name and command of each build; the slow ones are made side by side."""
    native = BUILD / "tests" / "portable"
    flags = (pathlib.Path("/proc/cpuinfo").read_text().split("flags", 1)[-1].split("\n", 1)[0]
             if os.path.exists("/proc/cpuinfo") else "")
    for cpu, need in (("scalar", ""), ("avx2", "avx2"), ("avx512", "avx512dq")):
        if need and need not in flags.split():
            continue
        for threads in ("1", "2"):
            yield f"{cpu}, {threads} thread(s)", ["env", f"ASSAY_CPU={cpu}", native, threads]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        built = list(pool.map(lambda f: build(f[0], f[1], folder), FOREIGN))
    for (name, _, runner), path in zip(FOREIGN, built):
        yield name, [*runner, path, "1"]


def chosen():
    """Cases of the suite: those of one operator, and some networks."""
    listed = suite.read_list()
    for case in suite.all_cases():
        network = case.name.removeprefix("test_") in NETWORKS
        node = case.kind == "node" and "_expanded" not in case.name
        if (network or node) and not any(fnmatch.fnmatchcase(case.name, p) for p in listed):
            yield case


def lay_out(case, folder):
    """Imports a case's model into its folder; False when the suite's runner cannot take it."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(suite.modern(case.model).SerializeToString())
    for i, value in enumerate(case.data[0][0]):
        np.save(folder / f"input_{i}.npy", np.asarray(suite.as_array(value)), allow_pickle=False)
    return folder


def lay_out_contrib(number, case, folder):
    folder = folder / f"{number}_{case.op}"
    folder.mkdir()
    contrib.lay_out(case, case.weights, folder)
    return folder


def lay_out_minilm(folder):
    folder.mkdir()
    for name in ("program.bin", "weights.bin"):
        (folder / name).symlink_to(MINILM / name)
    np.save(folder / "input_0.npy", np.arange(101, 101 + TOKENS, dtype=np.int32) * 7)
    return folder


def small_network():
    """Convolutions with what stands between them, weights drawn from a fixed seed."""
    rng = np.random.default_rng(1)
    def weights(name, *shape):
        return onnx.numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32) * 0.3, name)
    def node(op, inputs, output, **attributes):
        return onnx.helper.make_node(op, inputs.split(), [output], **attributes)
    nodes = [node("Conv", "x w0 b0", "c0", pads=[1, 1, 1, 1], strides=[2, 2]),
             node("HardSwish", "c0", "h"),
             node("MaxPool", "h", "p", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
             node("Conv", "p w1", "c1", pads=[1, 1, 1, 1], group=16),
             node("Relu", "c1", "r1"),
             node("GlobalAveragePool", "r1", "g"),
             node("Conv", "g w2", "k"),
             node("Sigmoid", "k", "s"),
             node("Mul", "r1 s", "e"),
             node("Conv", "e w3", "c3"),
             node("Add", "c3 p", "a"),
             node("Relu", "a", "r"),
             node("AveragePool", "r", "m", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
             node("Concat", "m r", "j", axis=1),
             node("Flatten", "j", "f"),
             node("Gemm", "f w4 b4", "d"),
             node("Tanh", "d", "t"),
             node("MatMul", "t w5", "y")]
    tensors = [weights("w0", 16, 3, 3, 3), weights("b0", 16), weights("w1", 16, 1, 3, 3),
               weights("w2", 16, 16, 1, 1), weights("w3", 16, 16, 1, 1), weights("w4", 1152, 40),
               weights("b4", 40), weights("w5", 40, 10)]
    f32 = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes, "small", [onnx.helper.make_tensor_value_info("x", f32, [1, 3, 24, 24])],
        [onnx.helper.make_tensor_value_info("y", f32, [1, 10])], tensors)
    opset = onnx.helper.make_opsetid("", 17)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)


def lay_out_int8(base):
    """Quantises a network by the samples of which it is run on the first."""
    samples = np.random.default_rng(2).standard_normal((4, 3, 24, 24)).astype(np.float32)
    np.save(base / "samples.npy", samples)
    (base / "small.onnx").write_bytes(small_network().SerializeToString())
    model = [ASSAY, "model"]
    for command in (["import", base / "small.onnx", base / "small"],
                    ["quantize", base / "small", "--profile", "int8", "--calibrate",
                     base / "samples.npy", "--out", base / "int8", "--threads", "1"]):
        subprocess.run(model + command, check=True, stdout=subprocess.DEVNULL)
    np.save(base / "int8" / "input_0.npy", samples[:1])
    return base / "int8"


def ask(command, folders):
    done = subprocess.run([str(word) for word in command], input="".join(f"{f}\n" for f in folders),
                          capture_output=True, text=True, timeout=3000, check=False)
    lines = done.stdout.splitlines()
    return lines + [f"no answer (exit code {done.returncode})"] * (len(folders) - len(lines))


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as base:
        base = pathlib.Path(base)
        cases = list(chosen())
        folders = [lay_out(case, base / case.name) for case in cases]
        folders += [lay_out_contrib(i, case, base) for i, case in enumerate(contrib.all_cases())]
        asked = ask([suite.RUNNER, "--graphs"], folders)
        bad = [f"{f.name}: {a}" for f, a in zip(folders, asked) if a.startswith(("failed", "no "))]
        folders.append(lay_out_minilm(base / "minilm"))
        folders.append(lay_out_int8(base))
        answers = {}
        for name, command in commands(base):
            answers[name] = ask(command, folders)
            print(f"| {name}: {len(folders)} models", flush=True)
    first = next(iter(answers))
    for i, folder in enumerate(folders):
        for name, lines in answers.items():
            if lines[i] != answers[first][i] or lines[i].startswith(("failed", "no ")):
                bad.append(f"{folder.name}: {name}: {lines[i]}, {first}: {answers[first][i]}")
    for line in bad:
        print(line)
    networks = sum(case.kind == "light" for case in cases) + 2
    print(f"| {len(folders) - networks} operators' cases and {networks} whole models: "
          f"{len(answers)} builds, {len(bad)} differences")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
