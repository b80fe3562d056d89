#!/usr/bin/env python3
"""Fuzzes the targets beside the code: tests/fuzz.py [--seconds N] [--plant] [NAME...].

Each target is built with clang's libFuzzer and sanitizers, starts from its corpus, runs for N
seconds and prints how much of the code it reached. With --plant it is built with a bug in it and
must find that. A crash is written to build-fuzz/NAME-crash-*; put it into tests/corpus/NAME once
it is understood, so that every test run replays it.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-fuzz"
BASE = ["src/base/*.c", "src/base/gen/*.c"]
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-O1", "-g", "-fwrapv", "-fno-strict-aliasing",
         "-ffp-contract=off", "-DAY_FUZZER", "-fsanitize=fuzzer,address,undefined",
         "-fno-sanitize-recover=undefined", f"-I{ROOT / 'src'}", f"-I{BUILD}"]

ONNX = [f"src/tensor/onnx/{name}.c" for name in ("wire", "build", "function", "attribute", "tensor",
                                                "external")] + [
        "src/tensor/graph.c", "src/tensor/reason.c", "src/tensor/dtype.c",
        str(BUILD / "onnx.pb-c.c")]
# Kernels need the flags of their instruction sets, which the build knows.
KERNELS = [str(p) for p in sorted((ROOT / "build/src/tensor").glob("lib*.a"))
           if p.stem.rsplit("_")[-1] in ("scalar", "avx2", "avx512", "vnni")]

# name -> (the target, source patterns, libraries)
TARGETS = {
    "npy": ("src/tensor/fuzz_npy.c",
            ["src/base/code.c", "src/base/panic.c", "src/base/text.c"] +
            [f"src/tensor/{name}.c" for name in ("npy_read", "ndarray", "reason", "dtype")], []),
    "onnx": ("src/tensor/onnx/fuzz_onnx.c", BASE + ONNX, ["-lprotobuf-c"]),
    "lower": ("src/tensor/lower/fuzz_lower.c",
              BASE + ONNX + ["src/tensor/*.c", "src/tensor/ref/*.c", "src/tensor/lower/*.c",
                             "src/tensor/kernel/select.c", "src/crypto/*.c"],
              KERNELS + ["-lprotobuf-c", "-ljansson", "-lutf8proc", "-lcrypto", "-lsecp256k1",
                         "-lsodium", "-lpng", "-ljpeg", "-lpthread", "-lm"]),
    "safetensors": ("src/tensor/fuzz_safetensors.c",
                    ["src/base/code.c", "src/base/panic.c", "src/tensor/safetensors.c",
                     "src/tensor/reason.c"], ["-ljansson"]),
    "tx": ("src/base/fuzz_tx.c", BASE, []),
    "rpc": ("src/net/fuzz_rpc.c",
            BASE + [f"src/net/{name}.c" for name in ("json", "jsonrpc", "http_server", "http_check",
                                                     "http_response", "ws")],
            ["-ljansson", "-lmicrohttpd", "-lcrypto"]),
    "move": ("src/verify/fuzz_move.c",
             BASE + ["src/verify/*.c", "src/tensor/program*.c", "src/tensor/dtype.c",
                     "src/tensor/reach.c", "src/tensor/math_tables.c",
                     "src/tensor/ref/*.c", "src/crypto/hash.c", "src/crypto/merkle.c"],
             ["-lcrypto", "-lm"]),
    "smt": ("src/crypto/fuzz_smt.c", ["src/base/panic.c", "src/crypto/smt.c", "src/crypto/hash.c"],
            ["-lcrypto"]),
}


def sources(patterns):
    found = sorted({p for pattern in patterns for p in
                    ([pathlib.Path(pattern)] if pattern.startswith("/") else ROOT.glob(pattern))})
    return [p for p in found if not p.name.startswith(("test_", "fuzz_", "bench_"))]


def build(name, plant):
    target, patterns, libraries = TARGETS[name]
    out = BUILD / (f"{name}-planted" if plant else name)
    BUILD.mkdir(exist_ok=True)
    if "-lprotobuf-c" in libraries:
        subprocess.run(["protoc-c", f"--proto_path={ROOT / 'src/tensor/onnx'}", f"--c_out={BUILD}",
                        "onnx.proto"], check=True)
    subprocess.run(["clang-14", *FLAGS, *(["-DAY_PLANTED_BUG"] if plant else []), ROOT / target,
                    *sources(patterns), *libraries, "-o", out], check=True)
    return out


def fuzz(name, seconds, plant):
    """Whether it went as it should: nothing found, or the planted bug found."""
    program = build(name, plant)
    work = BUILD / f"{program.name}-corpus"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(ROOT / "tests" / "corpus" / name, work)
    done = subprocess.run([program, work, f"-max_total_time={seconds}", "-max_len=4096", "-seed=1",
                           "-use_value_profile=1", "-print_final_stats=1",
                           f"-artifact_prefix={BUILD}/{name}-"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    reached = re.findall(r"cov: (\d+) ft: (\d+)", done.stdout)[-1:]
    runs = re.findall(r"number_of_executed_units: (\d+)", done.stdout)
    edges, features = reached[0] if reached else ("?", "?")
    found = done.returncode != 0
    print(f"{name}: {edges} edges and {features} features reached in {runs[-1] if runs else '?'} "
          f"runs; {'the planted bug' if plant else 'a crash'} was {'' if found else 'not '}found")
    if found and not plant:
        print(done.stdout[-6000:])
    return found == plant


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=[])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--plant", action="store_true")
    args = parser.parse_args()
    for name in args.names:
        if name not in TARGETS:
            parser.error(f"no target {name}; there are: {', '.join(TARGETS)}")
    good = [fuzz(name, args.seconds, args.plant) for name in args.names or TARGETS]
    sys.exit(0 if all(good) else 1)


main()
