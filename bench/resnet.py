#!/usr/bin/env python3
"""ResNet-50 here beside onnxruntime: the same file, input and threads, turn by turn in one run; and
the memory that each takes at its peak.

usage: resnet.py ASSAY RUNNER [--rounds N] [--model FILE.onnx]
ASSAY is the built program, RUNNER the built bench/graph. The model is the one of the package onnx
that has ResNet-50's architecture and no weights of its own, unless another is named. Of
onnxruntime's process what it took before there was a session, Python with it, is not counted.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx

LIGHT = pathlib.Path(onnx.__file__).parent / "backend/test/data/light/light_resnet50.onnx"


def peak_kib():
    for line in open("/proc/self/status", encoding="ascii"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError("no VmHWM")


def serve(model, npy, threads):
    """onnxruntime's process: for each line, a number of runs, the seconds of the fastest."""
    import onnxruntime
    feed = np.load(npy)
    before = peak_kib()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    inputs = {session.get_inputs()[0].name: feed}
    for line in sys.stdin:
        best = 1e9
        for _ in range(int(line)):
            begun = time.perf_counter()
            session.run(None, inputs)
            best = min(best, time.perf_counter() - begun)
        print(best, (peak_kib() - before) / 1024, flush=True)


# A runtime's threads go on spinning for a while after a run: not on the other's time.
SETTLE_S = 0.1


def ours(runner, folder, npy, threads, times):
    """Seconds of the fastest run, peak MiB."""
    read, write = os.pipe()
    pid = os.posix_spawn(runner, [runner, folder, str(threads), str(times), npy], os.environ,
                         file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)])
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise subprocess.CalledProcessError(status, runner)
    return float(text.split()[0]), usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("assay")
    parser.add_argument("runner")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--model", default=str(LIGHT))
    args = parser.parse_args()
    print(f"{pathlib.Path(args.model).stem}, ms, best of {args.rounds} rounds, and MiB")
    print("threads    ours     ort  ort/ours     MiB     ort  ours/ort")
    with tempfile.TemporaryDirectory() as folder:
        npy, model = f"{folder}/x.npy", f"{folder}/model"
        np.save(npy, np.random.default_rng(1).random((1, 3, 224, 224), np.float32))
        subprocess.run([args.assay, "model", "import", args.model, model], check=True,
                       stdout=subprocess.DEVNULL)
        for threads in (1, 2):
            peer = subprocess.Popen([sys.executable, __file__, "serve", args.model, npy,
                                     str(threads)], text=True, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE)
            best, memory = [1e9, 1e9], [0, 0]
            for _ in range(args.rounds):
                time.sleep(SETTLE_S)
                seconds, mib = ours(args.runner, model, npy, threads, 4)
                best[0], memory[0] = min(best[0], seconds), max(memory[0], mib)
                time.sleep(SETTLE_S)
                peer.stdin.write("4\n")
                peer.stdin.flush()
                seconds, mib = map(float, peer.stdout.readline().split())
                best[1], memory[1] = min(best[1], seconds), max(memory[1], mib)
            print(f"{threads:7} {best[0] * 1e3:7.1f} {best[1] * 1e3:7.1f} {best[1] / best[0]:9.2f}"
                  f" {memory[0]:7.0f} {memory[1]:7.0f} {memory[0] / memory[1]:9.2f}", flush=True)
            peer.stdin.close()
            peer.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
