#!/usr/bin/env python3
"""Speed, side by side with what people would use instead, in one run: bench/run.py [NAME ...].

Ratios count, absolute times do not: machines differ and are noisy. onnxruntime and its friends are
installed from PyPI into build/bench-venv.
"""
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD, BENCH = ROOT / "build", ROOT / "bench"
MODEL = BUILD / "models" / "all-MiniLM-L6-v2"
VENV = BUILD / "bench-venv"
PEERS = ["numpy", "onnx", "onnxruntime"]


def venv_python():
    """A Python that has the peers."""
    python = VENV / "bin" / "python"
    if subprocess.run([python, "-c", "import numpy, onnx, onnxruntime"], stderr=subprocess.DEVNULL,
                      check=False).returncode if python.exists() else True:
        print(f"installing {', '.join(PEERS)} into {VENV.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin" / "pip", "install", "--quiet", *PEERS], check=True)
    return python


def minilm(model=MODEL):
    sys.path.insert(0, str(ROOT / "tools"))
    import fetch_minilm
    original = fetch_minilm.original(BUILD / "models" / "original")
    return [venv_python(), BENCH / "minilm.py", model, original, BUILD / "bench" / "minilm"]


def minilm_q8():
    """Quantises the model anew."""
    quantised = BUILD / "models" / "minilm-q8"
    shutil.rmtree(quantised, ignore_errors=True)
    subprocess.run([BUILD / "assay", "model", "quantize", MODEL, "--profile", "q8", "--out",
                    quantised], check=True, stdout=subprocess.DEVNULL)
    return [*minilm(quantised), "--q8"]


def matmul():
    """OpenBLAS takes processors newer than itself for very old ones: it is told what they can do."""
    if "avx512f" in pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii"):
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    return [BUILD / "bench" / "matmul", "10"]


# name, what is compared, the command
BENCHES = [
    ("matmul", "matrix product beside OpenBLAS, ratio of speeds (goal 1.1)", matmul),
    ("functions", "correctly rounded functions beside glibc's, which are not",
     lambda: [BUILD / "bench" / "functions"]),
    ("minilm", "MiniLM beside onnxruntime, ratio of times (goal 1.05)", minilm),
    ("minilm_q8", "MiniLM in profile q8 beside onnxruntime's dynamic int8, ratio of times (goal 1.2)",
     minilm_q8),
    ("conv", "convolutions beside onnxruntime, ratio of speeds",
     lambda: [venv_python(), BENCH / "conv.py", BUILD / "bench" / "conv"]),
    ("resnet", "ResNet-50 beside onnxruntime, ratio of times (goal 0.95) and of memory (goal 1.1)",
     lambda: [venv_python(), BENCH / "resnet.py", BUILD / "assay", BUILD / "bench" / "graph"]),
    ("receipt", "what a claim costs beside its answer (goal below 1 %)",
     lambda: [BUILD / "bench" / "receipt", MODEL, "1"]),
    ("arbiter", "the ledger's one step, dearest cases (goal 5 ms)",
     lambda: [BUILD / "bench" / "arbiter"]),
    ("transfers", "durable transfers beside this machine's signature checks",
     lambda: [sys.executable, BENCH / "transfers.py"]),
]


def main():
    wanted = sys.argv[1:] or [name for name, _, _ in BENCHES]
    failed = False
    for name, what, command in BENCHES:
        if name not in wanted:
            continue
        print(f"\n== {name}: {what}", flush=True)
        done = subprocess.run([str(word) for word in command()], check=False)
        failed |= done.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
