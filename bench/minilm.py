#!/usr/bin/env python3
"""MiniLM here beside onnxruntime: same weights, threads, batch and length, turn by turn in one run.

usage: minilm.py MODEL_DIR ORIGINAL_DIR RUNNER [--rounds N] [--q8]
MODEL_DIR is an imported model, ORIGINAL_DIR its safetensors folder, RUNNER the built bench/minilm.
onnxruntime is given its best form of the graph: its own fused Attention, SkipLayerNormalization and
BiasGelu operators. With --q8 MODEL_DIR is one that `assay model quantize` made, and onnxruntime's
is what its quantize_dynamic makes of that graph (weights i8, activations u8 a tensor), by its default
and by its exact products, as sums of two saturate in the former on processors without VNNI.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/oracle"))
from bert_numpy import load_safetensors  # noqa: E402

HEADS, LAYERS = 12, 6
CASES = [(batch, tokens) for batch in (1, 8) for tokens in (16, 128, 256)]


class Graph:
    def __init__(self, weights):
        self.weights = {name: w.astype(np.float32) for name, w in weights.items()}
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name, transpose=False):
        return self.constant(name, self.weights[name].T if transpose else self.weights[name])

    def node(self, kind, inputs, **attributes):
        out = f"{kind}_{len(self.nodes)}"
        domain = "com.microsoft" if kind in ("Attention", "SkipLayerNormalization", "BiasGelu") else ""
        self.nodes.append(helper.make_node(kind, inputs, [out], domain=domain, **attributes))
        return out


def skip_norm(g, x, skip, name, bias):
    return g.node("SkipLayerNormalization", [x, skip, g.weight(name + ".weight"),
                  g.weight(name + ".bias"), g.weight(bias)], epsilon=1e-12)


def layer(g, x, prefix):
    parts = [prefix + "attention.self." + p for p in ("query", "key", "value")]
    qkv = g.constant(prefix + "qkv", np.concatenate([g.weights[p + ".weight"].T for p in parts], 1))
    bias = g.constant(prefix + "qkv_bias", np.concatenate([g.weights[p + ".bias"] for p in parts]))
    mixed = g.node("Attention", [x, qkv, bias], num_heads=HEADS)
    out = prefix + "attention.output."
    y = g.node("MatMul", [mixed, g.weight(out + "dense.weight", True)])
    x = skip_norm(g, y, x, out + "LayerNorm", out + "dense.bias")
    up = g.node("MatMul", [x, g.weight(prefix + "intermediate.dense.weight", True)])
    up = g.node("BiasGelu", [up, g.weight(prefix + "intermediate.dense.bias")])
    y = g.node("MatMul", [up, g.weight(prefix + "output.dense.weight", True)])
    return skip_norm(g, y, x, prefix + "output.LayerNorm", prefix + "output.dense.bias")


def onnx_model(weights):
    g = Graph(weights)
    x = g.node("Gather", [g.weight("embeddings.word_embeddings.weight"), "ids"])
    places = g.weights["embeddings.position_embeddings.weight"]
    places = places + g.weights["embeddings.token_type_embeddings.weight"][0]
    x = g.node("Add", [x, g.node("Gather", [g.constant("places", places), "positions"])])
    x = g.node("LayerNormalization", [x, g.weight("embeddings.LayerNorm.weight"),
               g.weight("embeddings.LayerNorm.bias")], epsilon=1e-12)
    for i in range(LAYERS):
        x = layer(g, x, f"encoder.layer.{i}.")
    x = g.node("ReduceMean", [x], axes=[1], keepdims=0)
    x = g.node("LpNormalization", [x], axis=-1, p=2)
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["B", "S"])
    positions = helper.make_tensor_value_info("positions", TensorProto.INT64, [1, "S"])
    out = helper.make_tensor_value_info(x, TensorProto.FLOAT, ["B", 384])
    graph = helper.make_graph(g.nodes, "minilm", [ids, positions], [out], g.constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def quantised(model):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    with tempfile.TemporaryDirectory() as name:
        before, after = pathlib.Path(name) / "f32.onnx", pathlib.Path(name) / "int8.onnx"
        before.write_bytes(model)
        quantize_dynamic(before, after, weight_type=QuantType.QInt8,
                         extra_options={"DefaultTensorType": TensorProto.FLOAT})
        return after.read_bytes()


def session(model, threads, exact=False):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])


# A runtime's threads go on spinning for a while after a run: not on the other's time.
SETTLE_S = 0.1


def feed_of(batch, tokens):
    ids = np.array([[1000 + (i * 7919 + j * 104729) % 25000 for j in range(tokens)]
                    for i in range(batch)])
    return {"ids": ids, "positions": np.arange(tokens)[None]}


def peer_seconds(peer, batch, tokens, times):
    feed = feed_of(batch, tokens)
    best = 1e9
    for _ in range(times):
        begun = time.perf_counter()
        peer.run(None, feed)
        best = min(best, time.perf_counter() - begun)
    return best


def ask(runner, batch, tokens, times):
    runner.stdin.write(f"{batch} {tokens} {times}\n")
    runner.stdin.flush()
    return runner.stdout.readline()


def our_seconds(runner, batch, tokens, times):
    return float(ask(runner, batch, tokens, times))


def print_cosines(runner, f32, peers):
    """The least of a batch, with onnxruntime's f32."""
    batch, tokens = CASES[-2]
    feed = feed_of(batch, tokens)
    wanted = f32.run(None, feed)[0]
    ours = np.array(ask(runner, batch, tokens, 0).split(), np.float32).reshape(batch, -1)
    for name, got in [("ours", ours)] + [(n, p.run(None, feed)[0]) for n, p in peers.items()]:
        lengths = np.linalg.norm(got, axis=1) * np.linalg.norm(wanted, axis=1)
        print(f"cosine with f32, {name}: {((got * wanted).sum(1) / lengths).min():.4f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("original")
    parser.add_argument("runner")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--q8", action="store_true")
    args = parser.parse_args()
    model = onnx_model(load_safetensors(pathlib.Path(args.original) / "model.safetensors"))
    f32 = model.SerializeToString()
    model = quantised(f32) if args.q8 else f32
    print(f"MiniLM forward, ms, best of {args.rounds} rounds (onnxruntime {onnxruntime.__version__})")
    print("threads batch tokens    ours     ort  ort/ours" + ("   exact  exact/ours" if args.q8 else ""))
    for threads in (1, 2):
        peers = {"ort": session(model, threads)}
        if args.q8:
            peers["exact"] = session(model, threads, exact=True)
        runner = subprocess.Popen([args.runner, args.model, str(threads)], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for batch, tokens in CASES:
            times = max(1, 1024 // (batch * tokens))
            ours, theirs = 1e9, dict.fromkeys(peers, 1e9)
            for _ in range(args.rounds):
                time.sleep(SETTLE_S)
                ours = min(ours, our_seconds(runner, batch, tokens, times))
                for name, peer in peers.items():
                    time.sleep(SETTLE_S)
                    theirs[name] = min(theirs[name], peer_seconds(peer, batch, tokens, times))
            print(f"{threads:7} {batch:5} {tokens:6} {ours * 1e3:7.2f}" +
                  " ".join(f" {t * 1e3:7.2f} {t / ours:8.2f}" for t in theirs.values()), flush=True)
        if args.q8 and threads == 1:
            print_cosines(runner, session(f32, threads), peers)
        runner.stdin.close()
        runner.wait()


if __name__ == "__main__":
    main()
