"""Sentence embeddings by other software: BERT in numpy float64, tokens by the `tokenizers` library.

usage: bert_numpy.py MODEL_DIR SENTENCES.txt OUT.npy
MODEL_DIR is a sentence-transformers folder (model.safetensors, tokenizer.json, config.json).
"""
import json
import math
import struct
import sys
from pathlib import Path

import numpy as np


def load_safetensors(path):
    data = Path(path).read_bytes()
    (n,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, t in json.loads(data[8:8 + n]).items():
        if name == "__metadata__" or t["dtype"] != "F32":
            continue
        begin, end = t["data_offsets"]
        values = np.frombuffer(data[8 + n + begin:8 + n + end], "<f4")
        tensors[name] = values.reshape(t["shape"]).astype(np.float64)
    return tensors


def load_tokenizer(folder, max_tokens=256):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


erf = np.vectorize(math.erf, otypes=[np.float64])


def layer_norm(w, name, x, eps):
    d = x - x.mean(-1, keepdims=True)
    d = d / np.sqrt((d * d).mean(-1, keepdims=True) + eps)
    return d * w[name + ".weight"] + w[name + ".bias"]


def linear(w, name, x):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def embed(w, config, ids):
    eps, heads = config["layer_norm_eps"], config["num_attention_heads"]
    s, hidden = len(ids), config["hidden_size"]
    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = x + w["embeddings.position_embeddings.weight"][:s]
    x = layer_norm(w, "embeddings.LayerNorm", x, eps)
    for i in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{i}."
        q, k, v = (linear(w, layer + "attention.self." + part, x)
                   .reshape(s, heads, -1).transpose(1, 0, 2) for part in ("query", "key", "value"))
        p = softmax(q @ k.transpose(0, 2, 1) / math.sqrt(hidden // heads))
        mixed = (p @ v).transpose(1, 0, 2).reshape(s, hidden)
        x = layer_norm(w, layer + "attention.output.LayerNorm",
                       x + linear(w, layer + "attention.output.dense", mixed), eps)
        up = linear(w, layer + "intermediate.dense", x)
        up = up * 0.5 * (1 + erf(up / math.sqrt(2)))
        x = layer_norm(w, layer + "output.LayerNorm", x + linear(w, layer + "output.dense", up), eps)
    mean = x.mean(0)
    return mean / max(np.linalg.norm(mean), 1e-12)


def main():
    folder, sentences, out = sys.argv[1:]
    weights = load_safetensors(Path(folder) / "model.safetensors")
    config = json.loads((Path(folder) / "config.json").read_text())
    tokenizer = load_tokenizer(folder)
    lines = Path(sentences).read_bytes().decode().split("\n")
    if lines[-1] == "":
        lines.pop()
    np.save(out, np.array([embed(weights, config, tokenizer.encode(line).ids) for line in lines]))


if __name__ == "__main__":
    main()
