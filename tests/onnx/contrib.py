#!/usr/bin/env python3
"""Operators of the domains com.microsoft and ai.onnx.ml, and some of ONNX's own, against onnxruntime:
tests/onnx/contrib.py [--only TEXT].

Each case is a model of one node, or of a few, with seeded operands, run twice: with operands as inputs of the model
and, where some of them are weights in practice, with those as constants. Both must agree with
onnxruntime within a tolerance; bytes may be one apart, since what is rounded may lie on the middle.
"""
import argparse
import itertools
import pathlib
import re
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper

import suite

MS, ML = "com.microsoft", "ai.onnx.ml"
IR_VERSION, OPSET, ML_OPSET = 10, 21, 3
RTOL, ATOL = 2e-5, 2e-5
RNG = np.random.default_rng(7)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def bytes_of(dtype, *shape):
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max + 1, shape).astype(dtype)


def weights_of(dtype, *shape):
    """Where the processor has no VNNI onnxruntime adds products of u8 and i8 in pairs, which saturate:
    i8 of 7 bits do not."""
    return RNG.integers(-64, 64, shape).astype(dtype) if dtype == np.int8 else bytes_of(dtype, *shape)


def scale(low=0.01, high=0.05, shape=()):
    return np.asarray(RNG.uniform(low, high, shape), np.float32)


def ints(low, high, *shape, dtype=np.int32):
    return RNG.integers(low, high, shape).astype(dtype)


class Case:
    """A node: operands (None where left out), which of them are constants, and what is compared."""

    def __init__(self, op, operands, outputs=1, weights=(), domain=MS, opset=None, rtol=RTOL,
                 atol=ATOL, valid=None, unnamed=(), named=None, **attributes):
        self.op, self.operands, self.outputs, self.weights = op, operands, outputs, set(weights)
        self.domain, self.attributes = domain, {**attributes, **(named or {})}
        self.rtol, self.atol, self.unnamed = rtol, atol, unnamed
        self.opset = opset or {ML: ML_OPSET, "": OPSET}.get(domain, 1)
        self.valid = valid or (lambda i, x: x)

    def model(self, known):
        names = ["" if x is None else f"x{i}" for i, x in enumerate(self.operands)]
        results = ["" if i in self.unnamed else f"y{i}" for i in range(self.outputs)]
        outs = [name for name in results if name]
        node = helper.make_node(self.op, names, results, domain=self.domain, **self.attributes)
        here = [i for i, x in enumerate(self.operands) if x is not None]
        inputs = [helper.make_tensor_value_info(
            names[i], helper.np_dtype_to_tensor_dtype(self.operands[i].dtype),
            self.operands[i].shape) for i in here if i not in known]
        constants = [onnx.numpy_helper.from_array(self.operands[i], names[i]) for i in here
                     if i in known]
        ports = [onnx.ValueInfoProto(name=name) for name in outs]
        opsets = [helper.make_opsetid(self.domain, self.opset)]
        if self.domain:
            opsets.append(helper.make_opsetid("", OPSET))
        graph = helper.make_graph([node], "case", inputs, ports, constants)
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)

    def theirs(self):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # So that one node stays one node, and the order of sums is what one thread takes.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(self.model(self.weights).SerializeToString(), options,
                                               providers=["CPUExecutionProvider"])
        feed = {i.name: self.operands[int(i.name[1:])] for i in session.get_inputs()}
        return session.run(None, feed)


class Graph:
    """The nodes that a case's graph has, and its constants, for a case of several nodes."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def constant(self, x):
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(x), self.name()))
        return self.constants[-1].name

    def node(self, op, *operands, **attributes):
        self.nodes.append(helper.make_node(op, list(operands), [self.name()], **attributes))
        return self.nodes[-1].output[0]

    def dequantized(self, x, scale, zero, **attributes):
        return self.node("DequantizeLinear", x, self.constant(scale), self.constant(zero),
                         **attributes)

    def quantized(self, x, scale, zero):
        """To bytes of these, and back."""
        s, z = self.constant(scale), self.constant(zero)
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, s, z), s, z)


class GraphCase(Case):
    """Several nodes: build(graph, names of the operands) gives the name of the result."""

    def __init__(self, op, operands, build, **how):
        super().__init__(op, operands, domain="", **how)
        self.names = [f"x{i}" for i in range(len(operands))]
        self.graph = Graph()
        result = build(self.graph, self.names)
        self.graph.nodes.append(helper.make_node("Identity", [result], ["y0"]))

    def model(self, known):
        constants = [onnx.numpy_helper.from_array(self.operands[i], self.names[i]) for i in known]
        inputs = [helper.make_tensor_value_info(
            self.names[i], helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for i, x in enumerate(self.operands) if i not in known]
        graph = helper.make_graph(self.graph.nodes, "case", inputs,
                                  [onnx.ValueInfoProto(name="y0")],
                                  self.graph.constants + constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                                 ir_version=IR_VERSION)


# --- attention ---

def masks(batch, rows, keys):
    yield None
    yield ints(1, keys + 1, batch)
    yield np.concatenate([ints(keys // 2, keys + 1, batch), ints(0, keys // 2, batch)])
    yield ints(0, 2, batch, keys)
    yield ints(0, 2, batch, rows, keys)


def attention():
    b, t, heads, width, d = 2, 4, 3, 8, 20
    hidden = heads * width
    x, w, bias = normal(b, t, d), normal(d, 3 * hidden) * 0.3, normal(3 * hidden)
    for mask in masks(b, t, t):
        yield Case("Attention", [x, w, bias, mask], weights=(1, 2), num_heads=heads)
    for mask in itertools.islice(masks(b, t, t), 0, 5, 3):
        yield Case("Attention", [x, w, bias, mask], 2, weights=(1, 2), num_heads=heads,
                   unidirectional=1, scale=0.2, mask_filter_value=-500.0)
    past = normal(2, b, heads, 3, width)
    for mask in masks(b, t, t + 3):
        yield Case("Attention", [x, w, bias, mask, past], 2, weights=(1, 2), num_heads=heads,
                   unidirectional=1)
    uneven = normal(d, 2 * hidden + heads * 5) * 0.3
    yield Case("Attention", [x, uneven, normal(2 * hidden + heads * 5)], num_heads=heads,
               qkv_hidden_sizes=[hidden, hidden, heads * 5])
    for shape in ((b, heads, t, t), (1, heads, t, t), (b, 1, t, t)):
        yield Case("Attention", [x, w, bias, None, None, normal(*shape)], num_heads=heads)
    # ONNX's own, whose masks may be numbers of any type
    for dtype in (np.int32, np.int64, np.uint8, bool):
        mask = RNG.integers(0, 2, (t, t)).astype(dtype) | np.eye(t, dtype=dtype)
        yield Case("Attention", [normal(b, heads, t, width) for _ in range(3)] + [mask], domain="",
                   opset=23)


def multi_head():
    b, t, s, heads, width = 2, 3, 5, 2, 8
    hidden = heads * width
    q, k, v, bias = normal(b, t, hidden), normal(b, s, hidden), normal(b, s, hidden), normal(3 * hidden)
    own = [normal(b, t, hidden) for _ in range(3)]
    yield Case("MultiHeadAttention", [q, k, v], num_heads=heads)
    for mask in masks(b, t, s):
        if mask is None or mask.shape != (2 * b,):
            yield Case("MultiHeadAttention", [q, k, v, bias, mask], weights=(3,), num_heads=heads)
    yield Case("MultiHeadAttention", own + [bias], num_heads=heads, unidirectional=1, scale=0.3)
    yield Case("MultiHeadAttention", [q, k, normal(b, s, heads * 6)], num_heads=heads)
    yield Case("MultiHeadAttention", [q, k, v, None, None, normal(1, heads, t, s)], num_heads=heads)
    heads_of = [normal(b, heads, s, width) for _ in range(2)]
    yield Case("MultiHeadAttention", [q] + heads_of, num_heads=heads)
    past = [normal(b, heads, 4, width) for _ in range(2)]
    yield Case("MultiHeadAttention", own + [bias, None, None] + past, 3, num_heads=heads)
    yield Case("MultiHeadAttention", own + [None, ints(0, 2, b, t + 4), None] + past, 3,
               num_heads=heads)


def rotary_tables(places, half):
    angle = np.arange(places)[:, None] / 10.0 ** (np.arange(half) / half)
    return [np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)]


def group_query():
    b, heads, groups, width = 2, 4, 2, 32
    tables = rotary_tables(32, width // 2)

    def operands(t, total, room, batch=b, packed=False):
        sizes = [heads, groups, groups]
        qkv = ([normal(batch, t, sum(sizes) * width), None, None] if packed else
               [normal(batch, t, n * width) for n in sizes])
        past = [normal(batch, groups, room, width) for _ in range(2)]
        lengths = np.full(batch, total - 1, np.int32)
        return qkv + past + [lengths, np.array(total, np.int32)]

    common = {"num_heads": heads, "kv_num_heads": groups}
    for packed in (False, True):
        yield Case("GroupQueryAttention", operands(5, 5, 0, packed=packed), 3, (6,), **common)
        yield Case("GroupQueryAttention", operands(1, 7, 6, packed=packed) + tables, 3, (6, 7, 8),
                   do_rotary=1, **common)
    yield Case("GroupQueryAttention", operands(5, 5, 0) + tables, 3, (5, 6), do_rotary=1,
               rotary_interleaved=1, **common)
    yield Case("GroupQueryAttention", operands(3, 9, 6, batch=1) + tables, 3, (6,), do_rotary=1,
               **common)
    yield Case("GroupQueryAttention", operands(6, 6, 0) + rotary_tables(32, 8), 3, (6,), do_rotary=1,
               local_window_size=2, softcap=3.0, scale=0.4, **common)
    yield Case("GroupQueryAttention", operands(1, 7, 6), 3, (6,), local_window_size=3, **common)
    yield Case("GroupQueryAttention", operands(4, 4, 0), 3, (6,), smooth_softmax=1, **common)
    yield Case("GroupQueryAttention", operands(4, 4, 0) + [None] * 4 + [normal(heads)], 3, (6, 11),
               **common)
    yield Case("GroupQueryAttention", operands(4, 4, 0) + [None] * 3 + [normal(b, heads, 4, 4)], 3,
               (6,), **common)
    # Samples of different lengths: what is behind the end of one says nothing.
    uneven = operands(1, 7, 6)
    uneven[5] = np.array([6, 3], np.int32)
    ends = lambda i, x: x if i == 0 else np.concatenate(
        [x[0].reshape(-1), x[1][:, :4].reshape(-1)])
    yield Case("GroupQueryAttention", uneven + tables, 3, (6,), valid=ends, do_rotary=1, **common)


def rotary():
    b, t, heads, width = 2, 3, 2, 8
    for x in (normal(b, t, heads * width), normal(b, heads, t, width)):
        for positions in (ints(0, 20, b, t, dtype=np.int64), np.array([4], np.int64)):
            for interleaved in (0, 1):
                yield Case("RotaryEmbedding", [x, positions] + rotary_tables(24, width // 2),
                           weights=(2, 3), interleaved=interleaved)
    yield Case("RotaryEmbedding", [normal(b, t, heads * width), np.array([2], np.int64)] +
               rotary_tables(24, 2), rotary_embedding_dim=4, num_heads=heads)


def quantised_attention():
    b, t, heads, width, d = 2, 4, 2, 8, 12
    hidden = heads * width
    for dtype in (np.uint8, np.int8):
        for shape in ((), (3 * hidden,)):
            yield Case("QAttention", [
                bytes_of(np.uint8, b, t, d), weights_of(dtype, d, 3 * hidden), normal(3 * hidden),
                scale(), scale(0.002, 0.01, shape), ints(1, t + 1, b), bytes_of(np.uint8),
                np.zeros((), dtype)], weights=(1, 2, 4, 7), num_heads=heads)
    past = normal(2, b, heads, 3, width)
    yield Case("QAttention", [
        bytes_of(np.uint8, b, t, d), weights_of(np.int8, d, 3 * hidden), normal(3 * hidden), scale(),
        scale(0.002, 0.01), None, bytes_of(np.uint8), np.zeros((), np.int8), past], 2, weights=(1, 2),
        num_heads=heads, unidirectional=1)


# --- normalisations, activations, products ---

def norms():
    b, t, d = 2, 3, 24
    x, gamma, beta, bias = normal(b, t, d), normal(d), normal(d), normal(d)
    for skip in (normal(b, t, d), normal(1, t, d), normal(t, d)):
        yield Case("SkipLayerNormalization", [x, skip, gamma, beta], weights=(2, 3), epsilon=1e-5)
    yield Case("SkipLayerNormalization", [x, x, gamma, None, bias])
    for op, rest in (("SkipLayerNormalization", [gamma, beta, bias]),
                     ("SkipSimplifiedLayerNormalization", [gamma, bias])):
        yield Case(op, [x, normal(b, t, d)] + rest, 4, weights=(2, 3, 4), unnamed=(1, 2),
                   epsilon=1e-6)
    yield Case("SkipSimplifiedLayerNormalization", [x, x, gamma])
    yield Case("SimplifiedLayerNormalization", [x, gamma], domain="")
    yield Case("SimplifiedLayerNormalization", [x, gamma], domain="", axis=-1, epsilon=1e-3)


def embeddings():
    b, t, d, words = 2, 5, 16, 30
    ids, kinds, mask = ints(0, words, b, t), ints(0, 2, b, t), ints(0, 2, b, t)
    tables = [normal(words, d), normal(12, d), normal(2, d), normal(d), normal(d)]
    weights = (2, 3, 4, 5, 6)
    yield Case("EmbedLayerNormalization", [ids, kinds] + tables + [mask], 2, weights)
    yield Case("EmbedLayerNormalization", [ids, kinds] + tables, 3, weights, epsilon=1e-5)
    yield Case("EmbedLayerNormalization",
               [ids, None] + tables[:2] + [None] + tables[3:] + [mask, ints(0, 12, 1, t)], 2,
               (2, 3, 5, 6))


def activations():
    x, bias = normal(2, 3, 16), normal(16)
    yield Case("BiasGelu", [x, bias], weights=(1,))
    yield Case("Gelu", [x])
    yield Case("FastGelu", [x])
    yield Case("FastGelu", [x, bias], weights=(1,))
    yield Case("QuickGelu", [x])
    yield Case("QuickGelu", [x], alpha=0.7)


def products():
    for ta, tb, ba, bb in itertools.product((0, 1), repeat=4):
        a = normal(*np.array([2, 3, 4, 5])[[1, 2, 0, 3] if ba else [0, 1, 2, 3]])
        b = normal(*np.array([2, 3, 5, 6])[[1, 2, 0, 3] if bb else [0, 1, 2, 3]])
        if ba:
            a = normal(4, 2, 3, 5) if not ta else normal(5, 2, 3, 4)
        elif ta:
            a = normal(2, 3, 5, 4)
        if bb:
            b = normal(5, 2, 3, 6) if not tb else normal(6, 2, 3, 5)
        elif tb:
            b = normal(2, 3, 6, 5)
        yield Case("FusedMatMul", [a, b], alpha=0.5, transA=ta, transB=tb, transBatchA=ba,
                   transBatchB=bb)
    yield Case("FusedMatMul", [normal(3, 4), normal(2, 4, 5)])
    yield Case("TransposeMatMul", [normal(4, 3), normal(4, 5)], transA=1)
    for name, numbers in (("Relu", {}), ("LeakyRelu", {"activation_alpha": 0.2}), ("Tanh", {}),
                          ("Sigmoid", {})):
        yield Case("FusedGemm", [normal(3, 4), normal(5, 4), normal(5)], weights=(1, 2), transB=1,
                   alpha=0.5, beta=2.0, activation=name, **numbers)
    x, w, b = normal(1, 4, 6, 6), normal(6, 4, 3, 3), normal(6)
    for name, numbers in (("Relu", None), ("Sigmoid", None), ("LeakyRelu", [0.2]),
                          ("HardSigmoid", [0.3, 0.4]), ("Clip", [-0.5, 0.5])):
        more = {"activation_params": numbers} if numbers else {}
        yield Case("FusedConv", [x, w, b], weights=(1, 2), activation=name, pads=[1, 1, 1, 1],
                   **more)
    yield Case("FusedConv", [x, w, b, normal(1, 6, 4, 4)], weights=(1, 2), activation="Relu")


def others():
    yield Case("CDist", [normal(4, 8), normal(5, 8)], metric="euclidean")
    yield Case("CDist", [normal(4, 8), normal(5, 8)], metric="sqeuclidean")
    yield Case("Inverse", [normal(2, 4, 4) + 3 * np.eye(4, dtype=np.float32)])
    yield Case("ExpandDims", [normal(2, 3), np.array(-1, np.int32)], weights=(1,))
    yield Case("GatherND", [normal(3, 4, 5), ints(0, 3, 6, 2, dtype=np.int64)])
    yield Case("Trilu", [normal(3, 4, 5), np.array(1, np.int64)], weights=(1,), upper=0)
    yield Case("Pad", [normal(3, 4), np.array([1, 0, 2, 1], np.int64), normal(1)[0:1]],
               weights=(1, 2))
    yield Case("Range", [np.array(v, np.int64) for v in (2, 11, 3)], weights=(0, 1, 2))
    yield Case("GridSample", [normal(1, 2, 5, 6), RNG.uniform(-1, 1, (1, 3, 4, 2)).astype(np.float32)],
               mode="bilinear", padding_mode="border", align_corners=1)


def states():
    b, t, heads, width = 2, 4, 2, 8
    q, k, v = [normal(b, t, heads * width) for _ in range(3)]
    decay, beta = -np.abs(normal(b, t, heads)), np.abs(normal(b, t, heads))
    common = {"q_num_heads": heads, "kv_num_heads": heads}
    past = normal(b, heads, width, width)
    for rule, rest in (("linear", []), ("gated", [decay]), ("delta", [None, beta]),
                       ("gated_delta", [decay, beta])):
        yield Case("LinearAttention", [q, k * np.float32(0.3), v, past] + rest, 2, update_rule=rule,
                   **common)
    x, w, bias, before = normal(b, 6, 9), normal(6, 1, 4), normal(6), normal(b, 6, 3)
    for activation in ("none", "silu"):
        yield Case("CausalConvWithState", [x, w, bias, before], 2, weights=(1, 2),
                   activation=activation)


# --- bytes ---

def quantised():
    for dtype in (np.uint8, np.int8):
        one = lambda: [scale(), bytes_of(dtype)]
        yield Case("QLinearConcat", one() + [bytes_of(dtype, 2, 3)] + one() +
                   [bytes_of(dtype, 2, 4)] + one(), atol=1, axis=1)
        yield Case("QLinearWhere", [ints(0, 2, 3, 4).astype(bool), bytes_of(dtype, 3, 4)] + one() +
                   [bytes_of(dtype, 3, 4)] + one() + one(), atol=1)
        yield Case("QLinearSoftmax", [bytes_of(dtype, 3, 10)] + one() +
                   [np.array(1 / 256, np.float32), np.array(np.iinfo(dtype).min, dtype)],
                   weights=(1, 2, 3, 4), atol=1, axis=-1, named={"opset": 13})
        for last in (0, 1):
            shape = (1, 6, 7, 4) if last else (1, 4, 6, 7)
            yield Case("QLinearGlobalAveragePool", [bytes_of(dtype, *shape)] + one() + one(),
                       atol=1, channels_last=last)
            yield Case("QLinearAveragePool", [bytes_of(dtype, *shape)] + one() + one(), atol=1,
                       channels_last=last, kernel_shape=[3, 2], pads=[1, 0, 1, 1], strides=[2, 1])
            yield Case("QLinearConv", [
                bytes_of(dtype, *shape), scale(), bytes_of(dtype), weights_of(np.int8, 5, 4, 3, 3),
                scale(shape=(5,)), np.zeros(5, np.int8), np.array(2.0, np.float32), bytes_of(dtype),
                ints(-500, 500, 5)], weights=(3, 4, 5, 8), atol=1, channels_last=last,
                pads=[1, 1, 1, 1])
        yield Case("NhwcMaxPool", [bytes_of(dtype, 1, 6, 7, 4)], kernel_shape=[2, 2],
                   strides=[2, 2], pads=[1, 0, 0, 1])
    for tb in (0, 1):
        b = weights_of(np.int8, 6, 5) if tb else weights_of(np.int8, 5, 6)
        common = [bytes_of(np.uint8, 4, 5), scale(), bytes_of(np.uint8), b, scale(),
                  np.zeros((), np.int8), ints(-500, 500, 6)]
        yield Case("QGemm", common, weights=(3, 4, 5, 6), transB=tb)
        yield Case("QGemm", common + [np.array(2.0, np.float32), bytes_of(np.uint8)], atol=1,
                   weights=(3, 4, 5, 6), transB=tb, alpha=0.5)


def quantised_lstm():
    steps, width, hidden = 4, 6, 5
    for direction, n in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
        for shape in ((n,), (n, 4 * hidden)):
            for dtype in (np.int8, np.uint8):
                zeros = np.zeros(shape, dtype) if dtype == np.int8 else np.full(shape, 128, dtype)
                yield Case("DynamicQuantizeLSTM", [
                    normal(steps, 1, width), weights_of(dtype, n, width, 4 * hidden),
                    weights_of(dtype, n, hidden, 4 * hidden), normal(n, 8 * hidden), None,
                    normal(n, 1, hidden), normal(n, 1, hidden), None, scale(0.002, 0.01, shape),
                    zeros, scale(0.002, 0.01, shape), zeros], 3, weights=(1, 2, 3, 8, 9, 10, 11),
                    direction=direction, hidden_size=hidden, rtol=1e-4, atol=1e-4)


def blocks():
    for bits, block, k in ((4, 32, 64), (4, 16, 40), (8, 32, 64), (4, 128, 96)):
        n, count = 6, -(-k // block)
        data = bytes_of(np.uint8, n, count, block * bits // 8)
        scales = scale(shape=(n * count,))
        packed = bytes_of(np.uint8, n * -(-count * bits // 8))
        for zeros in (None, packed):
            yield Case("MatMulNBits", [normal(2, 3, k), data, scales, zeros], weights=(1, 2, 3),
                       K=k, N=n, bits=bits, block_size=block, rtol=1e-4, atol=1e-4)
    yield Case("MatMulNBits", [normal(2, 64), bytes_of(np.uint8, 6, 2, 16), scale(shape=(12,)), None,
                               None, normal(6)], weights=(1, 2, 5), K=64, N=6, bits=4, block_size=32,
               rtol=1e-4, atol=1e-4)
    for bits in (4, 8):
        zeros = bytes_of(np.uint8, 7, 4 * bits // 8)
        for given in (None, zeros):
            yield Case("GatherBlockQuantized", [
                bytes_of(np.uint8, 7, 64 * bits // 8), ints(0, 7, 2, 3, dtype=np.int64),
                scale(shape=(7, 4)), given], weights=(0, 2, 3), bits=bits, block_size=16,
                gather_axis=0, quantize_axis=1)


# --- ai.onnx.ml ---

# --- the format's own, of which its tests hold few sizes ---

def transposed():
    """Kernels that are a multiple of the strides go another way than the others."""
    sizes = [((4,), (2,), (7,)), ((2, 2), (2, 2), (3, 4)), ((4, 4), (2, 2), (3, 5)),
             ((3, 6), (1, 3), (4, 2)), ((3, 3), (2, 2), (4, 4)), ((2, 5), (3, 1), (3, 4)),
             ((2, 2, 4), (2, 1, 2), (2, 3, 2))]
    for (kernel, strides, image), groups in itertools.product(sizes, (1, 2)):
        for pads, more in ((0, 0), (1, 0), (0, 1)):
            extra = [more * (s > 1) for s in strides]
            yield Case("ConvTranspose", [
                normal(2, 2 * groups, *image), normal(2 * groups, 3, *kernel), normal(3 * groups)],
                weights=(1, 2), domain="", strides=strides, pads=[pads] * 2 * len(kernel),
                output_padding=extra, group=groups)


def slopes():
    x = np.concatenate([normal(2, 3, 5), np.array([0, -0.0, np.inf, -np.inf, np.nan], np.float32)
                        .reshape(1, 1, 5).repeat(3, 1)])
    for alpha in (0.0, 0.01, 1.0, 2.5, -0.5):
        yield Case("LeakyRelu", [x], domain="", alpha=alpha)
    for slope in (RNG.uniform(0.1, 1, (3, 1)), RNG.uniform(-1, 2, (3, 1)), np.full((1,), 0.25)):
        yield Case("PRelu", [x, slope.astype(np.float32)], weights=(1,), domain="")


def bias_of(scale, *shape):
    return ints(-3000, 3000, *shape), np.asarray(scale, np.float32)


def qdq_products():
    """A result in f32, and one that is a byte: of that the step is what may lie between."""
    k, n = 37, 21
    for a_type, b_type, each, rank in itertools.product(
            (np.uint8, np.int8), (np.uint8, np.int8), (False, True), (2, 4)):
        shape = (2, 3, 5, k) if rank == 4 else (5, k)
        a, b = bytes_of(a_type, *shape), bytes_of(b_type, k, n)
        a_scale, a_zero = scale(), bytes_of(a_type)
        b_scale = scale(shape=(n,) if each else ())
        for zero in (0, 1):
            b_zero = np.zeros(b_scale.shape, b_type) if zero == 0 else bytes_of(b_type, *b_scale.shape)

            def multiplied(g, names):
                return g.node("MatMul", g.dequantized(names[0], a_scale, a_zero),
                              g.dequantized(names[1], b_scale, b_zero, axis=1))
            yield GraphCase("MatMul", [a, b], multiplied, weights=(1,), atol=1e-3)
        c, c_scale = bias_of(a_scale * b_scale, n)
        for rows, same in itertools.product((0, 1), (1, 3)):
            turned = np.ascontiguousarray(b.T) if rows else b
            by, zero = c_scale * np.float32(same), np.zeros(b_scale.shape, b_type)

            def linear(g, names):
                return g.node("Gemm", g.dequantized(names[0], a_scale, a_zero),
                              g.dequantized(names[1], b_scale, zero, axis=1 - rows),
                              g.dequantized(names[2], by, np.zeros(by.shape, np.int32), axis=0),
                              transB=rows)
            if rank == 2:
                yield GraphCase("Gemm", [a, turned, c], linear, weights=(1, 2), atol=1e-3)


def qdq_scores():
    """Both operands are inputs; bytes are turned, cut and quantised again on the way."""
    for heads, rows, keys, width in ((3, 5, 7, 8), (2, 70, 65, 33)):
        q, k = normal(2, rows, heads * width), normal(2, keys, heads * width)
        s, z = np.float32(0.03), np.uint8(120)

        def scores(g, names):
            shape = g.constant(np.array([2, -1, heads, width], np.int64))
            a = g.node("Transpose", g.node("Reshape", g.quantized(names[0], s, z), shape),
                       perm=[0, 2, 1, 3])
            b = g.node("Transpose", g.node("Reshape", g.quantized(names[1], s, z), shape),
                       perm=[0, 2, 3, 1])
            y = g.node("MatMul", g.quantized(a, s, z), g.quantized(b, s, z))
            cut = [g.constant(np.array(x, np.int64)) for x in ([1], [1000], [3])]
            return g.node("Slice", g.node("Softmax", y, axis=-1), *cut)
        yield GraphCase("Softmax", [q, k], scores, atol=1e-4)


def qdq_convolutions():
    for x_type, each, groups, pads in itertools.product(
            (np.uint8, np.int8), (False, True), (1, 2, 6), (0, 1)):
        x, w = bytes_of(x_type, 2, 6, 9, 11), bytes_of(np.int8, 12, 6 // groups, 3, 3)
        x_scale, x_zero = scale(), bytes_of(x_type) if pads else x_type(0)
        w_scale = scale(shape=(12,) if each else ())
        c, c_scale = bias_of(x_scale * w_scale, 12)

        def convolved(g, names):
            y = g.node("Conv", g.dequantized(names[0], x_scale, x_zero),
                       g.dequantized(names[1], w_scale, np.zeros(w_scale.shape, np.int8), axis=0),
                       g.dequantized(names[2], c_scale, np.zeros(c_scale.shape, np.int32), axis=0),
                       pads=[pads] * 4, group=groups)
            return g.node("MaxPool", y, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        yield GraphCase("Conv", [x, w, c], convolved, weights=(1, 2), atol=1e-3)

        def bytes_convolved(g, names):
            y = g.node("Conv", g.dequantized(names[0], x_scale, x_zero),
                       g.dequantized(names[1], w_scale, np.zeros(w_scale.shape, np.int8), axis=0),
                       names[2], pads=[pads] * 4, group=groups)
            return g.node("MaxPool", g.quantized(y, np.float32(0.5), np.uint8(100)),
                          kernel_shape=[2, 2])
        yield GraphCase("QuantizeLinear", [x, w, normal(12)], bytes_convolved, weights=(1, 2),
                        atol=0.51)


def ml(op, operands, outputs=1, opset=None, **attributes):
    return Case(op, operands, outputs, domain=ML, opset=opset, **attributes)


def preparing():
    x = normal(4, 3)
    yield ml("ArrayFeatureExtractor", [x, np.array([[0, 2]], np.int64)])
    yield ml("ArrayFeatureExtractor", [x[0], np.array([1, 2, 0], np.int64)])
    yield ml("Binarizer", [x], threshold=0.25)
    yield ml("Scaler", [x], offset=[0.5, 1.0, -1.0], scale=[2.0, 0.5, 1.5])
    yield ml("Scaler", [ints(-5, 5, 4, 3, dtype=np.int64)], offset=[0.5], scale=[2.0])
    for norm in ("MAX", "L1", "L2"):
        yield ml("Normalizer", [np.abs(x)], norm=norm)
    yield ml("Normalizer", [x], norm="L1")
    yield ml("Imputer", [np.where(x > 0.5, np.nan, x).astype(np.float32)],
             imputed_value_floats=[1.0, 2.0, 3.0], replaced_value_float=float("nan"))
    yield ml("Imputer", [ints(0, 3, 4, 3, dtype=np.int64)], imputed_value_int64s=[9],
             replaced_value_int64=1)
    yield ml("OneHotEncoder", [ints(0, 5, 4, 1, dtype=np.int64)], cats_int64s=[1, 3, 4])
    yield ml("OneHotEncoder", [ints(3, 5, 4, 1, dtype=np.int64)], cats_int64s=[1, 3, 4], zeros=0)
    yield ml("FeatureVectorizer", [x, normal(4, 2)], inputdimensions=[3, 2])
    yield ml("FeatureVectorizer", [normal(4, 1, 3), normal(4, 2, 2, 2)], inputdimensions=[3, 8])
    whole = ints(0, 6, 3, 4, dtype=np.int64)
    yield ml("LabelEncoder", [whole], opset=2, keys_int64s=[1, 3, 4], values_floats=[0.5, -1.0, 7.0],
             default_float=3.0)
    yield ml("LabelEncoder", [whole.astype(np.float32)], opset=2, keys_floats=[1.0, 3.0, float("nan")],
             values_int64s=[5, 6, 7], default_int64=-9)

    # 5 grams of one element, 4 of two and 2 of three, in no order, two of them counted in one place
    pool = [0, 1, 2, 3, 7, 0, 1, 2, 2, 1, 0, 5, 5, 0, 1, 2, 2, 2, 2]
    grams = dict(pool_int64s=pool, ngram_counts=[0, 5, 13], ngram_indexes=[9, 0, 3, 3, 10, 1, 2, 4, 8, 7, 5])
    for (low, high), skips, mode in (((1, 1), 3, "TF"), ((1, 3), 0, "TF"), ((2, 3), 2, "TF"), ((1, 2), 5, "IDF"),
                                     ((1, 3), 1, "TFIDF"), ((2, 2), 20, "TFIDF")):
        for shape, dtype in (((12,), np.int64), ((3, 9), np.int32), ((2, 1), np.int64)):
            for weights in ({}, {"weights": normal(11).tolist()}):
                yield Case("TfIdfVectorizer", [ints(0, 4, *shape, dtype=dtype)], domain="", mode=mode,
                           min_gram_length=low, max_gram_length=high, max_skip_count=skips, **grams, **weights)


def linear():
    x = normal(5, 4)
    for targets in (1, 3):
        w, b = normal(targets * 4).tolist(), normal(targets).tolist()
        yield ml("LinearRegressor", [x], coefficients=w, intercepts=b, targets=targets)
    for classes, transform in itertools.product((2, 3), ("NONE", "SOFTMAX", "LOGISTIC")):
        yield ml("LinearClassifier", [x], 2, coefficients=normal(classes * 4).tolist(),
                 intercepts=normal(classes).tolist(), classlabels_ints=[7, 4, 9][:classes],
                 multi_class=1, post_transform=transform)
    yield ml("LinearClassifier", [x], 2, coefficients=normal(24).tolist(),  # more than it needs
             intercepts=normal(3).tolist(), classlabels_ints=[7, 4, 9], post_transform="LOGISTIC")
    for kind in ("LINEAR", "RBF", "SIGMOID"):
        yield ml("SVMRegressor", [x], kernel_type=kind, coefficients=normal(6).tolist(),
                 support_vectors=normal(24).tolist(), n_supports=6, rho=[0.3],
                 kernel_params=[0.4, 0.1, 3.0])
    for classes, transform, kind in ((2, "NONE", "RBF"), (2, "LOGISTIC", "LINEAR"),
                                     (2, "SOFTMAX", "RBF"), (3, "NONE", "RBF"),
                                     (4, "SOFTMAX", "SIGMOID")):
        vectors, pairs = [3, 4, 2, 5][:classes], classes * (classes - 1) // 2
        machines = dict(
            coefficients=normal((classes - 1) * sum(vectors)).tolist(), kernel_type=kind,
            support_vectors=normal(4 * sum(vectors)).tolist(), rho=normal(pairs).tolist(),
            vectors_per_class=vectors, kernel_params=[0.4, 0.1, 3.0], post_transform=transform,
            classlabels_ints=[7, 4, 9, 1][:classes])
        yield ml("SVMClassifier", [x], 2, **machines)
        yield ml("SVMClassifier", [x], 2, **machines, prob_a=(normal(pairs) - 2).tolist(),
                 prob_b=normal(pairs).tolist())
    yield ml("SVMRegressor", [np.abs(x)], kernel_type="POLY", coefficients=normal(6).tolist(),
             support_vectors=np.abs(normal(24)).tolist(), n_supports=6, rho=[0.3],
             kernel_params=[0.4, 0.1, 3.0])


def grown(trees, depth, features, modes=("BRANCH_LEQ",)):
    """Random trees: attributes of their nodes, and their leaves as (tree, node)."""
    a = {f"nodes_{k}": [] for k in ("treeids", "nodeids", "featureids", "modes", "values",
                                    "truenodeids", "falsenodeids", "missing_value_tracks_true")}
    leaves = []
    for tree in range(trees):
        todo, count = [(0, 0)], 1
        while todo:
            node, level = todo.pop(0)
            leaf = level == depth or (level > 0 and RNG.random() < 0.2)
            a["nodes_treeids"].append(tree)
            a["nodes_nodeids"].append(node)
            a["nodes_featureids"].append(0 if leaf else int(RNG.integers(features)))
            a["nodes_modes"].append("LEAF" if leaf else str(RNG.choice(modes)))
            a["nodes_values"].append(0.0 if leaf else float(np.float32(RNG.integers(-8, 8) / 8)))
            a["nodes_truenodeids"].append(0 if leaf else count)
            a["nodes_falsenodeids"].append(0 if leaf else count + 1)
            a["nodes_missing_value_tracks_true"].append(0 if leaf else int(RNG.integers(2)))
            if leaf:
                leaves.append((tree, node))
            else:
                todo += [(count, level + 1), (count + 1, level + 1)]
                count += 2
    return a, leaves


ALL_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


def weighed(kind, leaves, targets, low=-1.0):
    rows = [(t, n, i) for t, n in leaves for i in targets]
    weights = RNG.uniform(low, 1, len(rows)).astype(np.float32).tolist()
    return {f"{kind}_treeids": [r[0] for r in rows], f"{kind}_nodeids": [r[1] for r in rows],
            f"{kind}_ids": [r[2] for r in rows], f"{kind}_weights": weights}


def trees():
    x = (RNG.integers(-9, 9, (20, 5)) / 8).astype(np.float32)
    missing = np.where(RNG.random(x.shape) < 0.2, np.nan, x).astype(np.float32)
    for count, depth in ((1, 3), (7, 6), (60, 5)):
        a, leaves = grown(count, depth, 5)
        for how in ("SUM", "AVERAGE", "MIN", "MAX"):
            yield ml("TreeEnsembleRegressor", [x], n_targets=1, aggregate_function=how,
                     base_values=[0.5], **a, **weighed("target", leaves, [0]))
    a, leaves = grown(5, 5, 5, ALL_MODES)
    yield ml("TreeEnsembleRegressor", [missing], n_targets=1, **a, **weighed("target", leaves, [0]))
    for transform in ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"):
        yield ml("TreeEnsembleRegressor", [missing], n_targets=3, post_transform=transform, **a,
                 **weighed("target", leaves, [0, 1, 2]))
        yield ml("TreeEnsembleClassifier", [x], 2, classlabels_int64s=[3, 1, 8], **a,
                 post_transform=transform, **weighed("class", leaves, [0, 1, 2], 0))
    yield ml("TreeEnsembleClassifier", [x], 2, classlabels_int64s=[3, 1, 8], **a,
             base_values=[0.1, 0.2, 0.3], **weighed("class", leaves, [0, 2]))
    yield ml("TreeEnsembleClassifier", [x], 2, classlabels_int64s=[3, 1, 8], **a,
             **weighed("class", leaves, [0, 2]))
    for transform, low, one in itertools.product(("NONE", "LOGISTIC", "SOFTMAX"), (0, -1), (0, 1)):
        weights = weighed("class", leaves, [one], low)
        if low == 0:
            weights["class_weights"] = [w / 5 for w in weights["class_weights"]]
        yield ml("TreeEnsembleClassifier", [x], 2, classlabels_int64s=[4, 6], **a, **weights,
                 post_transform=transform)
        yield ml("TreeEnsembleClassifier", [x], 2, classlabels_int64s=[4, 6], **a, **weights,
                 post_transform=transform, base_values=[0.25])
    yield ml("TreeEnsembleClassifier", [x], 2, classlabels_int64s=[0, 1], **a,
             **weighed("class", leaves, [0, 1]))
    # A target for each tree, as boosting has them, and some that no tree has
    one = weighed("target", leaves, [0])
    one["target_ids"] = [[2, 0, 0, 2, 2][t] for t, _ in leaves]
    yield ml("TreeEnsembleRegressor", [missing], n_targets=4, **a, **one)
    one = weighed("class", leaves, [0], -9.0)
    one["class_ids"] = [[0, 2, 0, 1, 0][t] for t, _ in leaves]
    for base in ({}, {"base_values": [0.1, 0.2, 0.3, 0.4]}):
        yield ml("TreeEnsembleClassifier", [missing], 2, classlabels_int64s=[3, 1, 8, 5], **a, **one,
                 **base)


def old_norms():
    for across, varies in itertools.product((0, 1), (0, 1)):
        yield Case("MeanVarianceNormalization", [normal(2, 3, 4, 5)], domain="", opset=8,
                   across_channels=across, normalize_variance=varies)
    yield Case("MeanVarianceNormalization", [normal(2, 3, 4, 5)], domain="", opset=8)


def nearest():
    """Scales and sizes of which f32 and exact numbers make different elements or lengths."""
    roi, sides = np.zeros(0, np.float32), range(2, 12)
    for n, scale in itertools.product(sides, (0.3, 0.6, 0.7, 1.7, 5 / 3, 7 / 3)):
        scales = np.array([1, scale], np.float32)
        yield Case("Upsample", [normal(2, n), scales], weights=(1,), domain="", opset=9) \
            if scale > 1 else \
            Case("Resize", [normal(2, n), scales], weights=(1,), domain="", opset=10)
        for coordinates, rounding in (("asymmetric", "floor"), ("half_pixel", "round_prefer_ceil"),
                                      ("pytorch_half_pixel", "ceil")):
            yield Case("Resize", [normal(2, n), roi, scales], weights=(1, 2), domain="",
                       coordinate_transformation_mode=coordinates, nearest_mode=rounding)
    for n, size in itertools.product(sides, sides):
        for rounding in ("floor", "round_prefer_floor"):
            yield Case("Resize", [normal(2, n), roi, roi, np.array([2, size])], weights=(1, 2, 3),
                       domain="", coordinate_transformation_mode="asymmetric",
                       nearest_mode=rounding)
            yield Case("Resize", [normal(2, n), roi, roi, np.array([2, size])], weights=(1, 2, 3),
                       domain="", opset=11, nearest_mode=rounding,
                       coordinate_transformation_mode="tf_half_pixel_for_nn")


def sequence_loop(g, x):
    """A sequence that a loop's iterations grow, at the front."""
    info = helper.make_tensor_value_info
    state = helper.make_tensor_sequence_value_info
    body = helper.make_graph(
        [helper.make_node("Gather", [x, "i"], ["row"], axis=0),
         helper.make_node("Sin", ["row"], ["sine"]),
         helper.make_node("SequenceInsert", ["have", "sine", g.constant(np.array(0))], ["more"]),
         helper.make_node("Identity", ["go"], ["on"])], "body",
        [info("i", onnx.TensorProto.INT64, []), info("go", onnx.TensorProto.BOOL, []),
         state("have", onnx.TensorProto.FLOAT, None)],
        [info("on", onnx.TensorProto.BOOL, []), state("more", onnx.TensorProto.FLOAT, None)])
    return g.node("Loop", g.constant(np.array(4)), "", g.node("SequenceEmpty"), body=body)


def list_loop(g, x):
    """The body takes the iteration's number as a list of one."""
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Gather", [x, "i"], ["row"], axis=0),
         helper.make_node("Concat", ["row", "rest"], ["more"], axis=0),
         helper.make_node("Identity", ["go"], ["on"])], "body",
        [info("i", onnx.TensorProto.INT64, [1]), info("go", onnx.TensorProto.BOOL, []),
         info("rest", onnx.TensorProto.FLOAT, None)],
        [info("on", onnx.TensorProto.BOOL, []), info("more", onnx.TensorProto.FLOAT, None)])
    return g.node("Loop", g.constant(np.array(3)), "", x, body=body)


def sequences():
    x, rows = normal(7, 5), [normal(n, 3) for n in (2, 4, 1)]

    def int64(*values):
        return np.array(values if len(values) != 1 else values[0])

    for split, axis in itertools.product((np.array(3), np.array([3, 0, 4]), np.array([5, 2])), (0, 1)):
        if split.ndim and axis:
            continue
        for at in (0, -1):
            yield GraphCase("SplitToSequence", [x], lambda g, names: g.node("SequenceAt", g.node(
                "SplitToSequence", names[0], g.constant(split), axis=axis), g.constant(int64(at))))
    for keepdims, new_axis, axis in itertools.product((0, 1), (0, 1), (0, 1)):
        yield GraphCase("ConcatFromSequence", [x], lambda g, names: g.node(
            "ConcatFromSequence", g.node("SplitToSequence", names[0], axis=1, keepdims=keepdims),
            axis=0 if not keepdims and not new_axis else axis, new_axis=new_axis))
    for at in (None, 0, 1, 3, -1, -3):
        def inserted(g, names):
            have = g.node("SequenceConstruct", *names)
            where = [] if at is None else [g.constant(int64(at))]
            more = g.node("SequenceInsert", have, g.constant(np.full((1, 3), 7, np.float32)), *where)
            return g.node("ConcatFromSequence", more, axis=0)

        def erased(g, names):
            have = g.node("SequenceConstruct", *names)
            where = [] if at is None else [g.constant(int64(min(at, 2)))]
            less = g.node("Identity", g.node("SequenceErase", have, *where))
            return g.node("Add", g.node("ConcatFromSequence", less, axis=0), g.node(
                "Cast", g.node("SequenceLength", less), to=onnx.TensorProto.FLOAT))
        yield GraphCase("SequenceInsert", rows, inserted)
        yield GraphCase("SequenceErase", rows, erased)
    for new_axis in (0, 1):
        yield GraphCase("Loop", [x], lambda g, names: g.node(
            "ConcatFromSequence", sequence_loop(g, names[0]), axis=-1, new_axis=new_axis))
    yield GraphCase("Loop", [x], lambda g, names: list_loop(g, names[0]))
    tensor = helper.make_tensor_value_info
    body = helper.make_graph([helper.make_node("Mul", ["a", "b"], ["c"])], "body",
                             [tensor("a", onnx.TensorProto.FLOAT, None),
                              tensor("b", onnx.TensorProto.FLOAT, None)],
                             [tensor("c", onnx.TensorProto.FLOAT, None)])
    for other in ("SequenceConstruct", "Identity"):
        yield GraphCase("SequenceMap", rows, lambda g, names: g.node(
            "ConcatFromSequence", g.node(
                "SequenceMap", g.node("SequenceConstruct", *names),
                g.node(other, *(names if other == "SequenceConstruct" else names[2:])), body=body),
            axis=0))


GROUPS = [old_norms, nearest, sequences, states, attention, multi_head, group_query, rotary, quantised_attention, norms, embeddings,
          activations, products, others, quantised, quantised_lstm, blocks, preparing, linear, trees,
          transposed, slopes, qdq_products, qdq_scores, qdq_convolutions]


def all_cases():
    return [case for group in GROUPS for case in group()]


def lay_out(case, known, folder):
    """The model and its inputs as tests/onnx_cases takes them."""
    (folder / "model.onnx").write_bytes(case.model(known).SerializeToString())
    inputs = [x for i, x in enumerate(case.operands) if x is not None and i not in known]
    for i, x in enumerate(inputs):
        np.save(folder / f"input_{i}.npy", x)


def check(case, runner, folder):
    """Why ours and theirs differ, or None."""
    wanted = case.theirs()
    for known in ([case.weights, set()] if case.weights else [set()]):
        lay_out(case, known, folder)
        answer = runner.ask(folder)
        if answer.startswith("failed"):
            return answer
        for i, w in enumerate(wanted):
            ours = np.load(folder / f"output_{i}.npy")
            if ours.shape != w.shape:
                return f"output {i}: shape {ours.shape}, not {w.shape}"
            byte = w.dtype in (np.uint8, np.int8)
            a, b = (case.valid(i, x.astype(np.float64) if byte else x) for x in (ours, w))
            why = suite.compare(a, b, 0 if byte else case.rtol, case.atol)
            if ours.dtype != w.dtype or why:
                return f"output {i}: {ours.dtype} {w.dtype} {why}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="operators whose name matches this pattern")
    args = parser.parse_args()
    runner, bad, count, operators = suite.Runner(), 0, 0, set()
    with tempfile.TemporaryDirectory() as name:
        for number, case in enumerate(all_cases()):
            if not re.search(args.only, case.op):
                continue
            try:
                why = check(case, runner, pathlib.Path(name))
            except Exception as error:  # onnxruntime refuses it
                why = f"{type(error).__name__}: {error}"
            count, operators = count + 1, operators | {(case.domain, case.op)}
            if why:
                bad += 1
                print(f"case {number}, {case.op}: {why}")
    print(f"| {count} cases of {len(operators)} operators against onnxruntime "
          f"{onnxruntime.__version__}, {bad} differ")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
