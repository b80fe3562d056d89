#!/usr/bin/env python3
"""Convolutions with bias and ReLU here beside onnxruntime: shapes of ResNet and MobileNet, turn by
turn in one run.

usage: conv.py RUNNER [--rounds N]
RUNNER is the built bench/conv. onnxruntime fuses the ReLU and chooses its own layout of channels.
"""
import argparse
import subprocess
import time

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

# channels, height, width, filters, kernel, stride, groups
CASES = [
    (3, 224, 224, 64, 7, 2, 1), (64, 56, 56, 64, 3, 1, 1), (64, 56, 56, 256, 1, 1, 1),
    (128, 28, 28, 128, 3, 1, 1), (256, 56, 56, 128, 1, 1, 1), (128, 56, 56, 128, 3, 2, 1),
    (256, 14, 14, 256, 3, 1, 1), (1024, 14, 14, 256, 1, 1, 1), (512, 7, 7, 512, 3, 1, 1),
    (512, 7, 7, 2048, 1, 1, 1), (32, 112, 112, 32, 3, 1, 32), (96, 112, 112, 96, 3, 2, 96),
    (384, 14, 14, 384, 3, 1, 384), (960, 7, 7, 960, 3, 1, 960), (16, 112, 112, 96, 1, 1, 1),
]


def session(case, threads):
    c, h, w, m, k, s, g = case
    rng = np.random.default_rng(1)
    weights = rng.random((m, c // g, k, k), np.float32) - 0.5
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w", "b"], ["y"], kernel_shape=[k, k], strides=[s, s],
                          pads=[k // 2] * 4, group=g),
         helper.make_node("Relu", ["y"], ["z"])], "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, c, h, w])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w"),
         numpy_helper.from_array(rng.random(m, np.float32), "b")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        ["CPUExecutionProvider"])


def peer_seconds(peer, x, times):
    best = 1e9
    for _ in range(times):
        begun = time.perf_counter()
        peer.run(None, {"x": x})
        best = min(best, time.perf_counter() - begun)
    return best


def our_seconds(runner, case, times):
    runner.stdin.write(" ".join(map(str, case)) + f" {times}\n")
    runner.stdin.flush()
    return float(runner.stdout.readline())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runner")
    parser.add_argument("--rounds", type=int, default=6)
    args = parser.parse_args()
    print(f"Convolution, bias, ReLU; best of {args.rounds} rounds (onnxruntime "
          f"{onnxruntime.__version__})")
    print("threads   C   H   W    M k s   g  GFLOPS     ort  ours/ort")
    for threads in (1, 2):
        runner = subprocess.Popen([args.runner, str(threads)], text=True, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        for case in CASES:
            c, h, w, m, k, s, g = case
            out = (h + 2 * (k // 2) - k) // s + 1
            flops = 2 * out * out * m * (c // g) * k * k
            times = 2 + int(1e9 / flops)
            peer = session(case, threads)
            x = np.random.default_rng(2).random((1, c, h, w), np.float32)
            ours = theirs = 1e9
            for _ in range(args.rounds):
                ours = min(ours, our_seconds(runner, case, times))
                theirs = min(theirs, peer_seconds(peer, x, times))
            print(f"{threads:7} {c:4}{h:4}{w:4} {m:4}{k:2}{s:2}{g:4} {flops / ours * 1e-9:7.1f} "
                  f"{flops / theirs * 1e-9:7.1f} {theirs / ours:9.2f}", flush=True)
        runner.stdin.close()
        runner.wait()


if __name__ == "__main__":
    main()
