"""A sentence-transformers folder small enough to import, run and damage many times in a second."""
import json
import random
import struct

HIDDEN, WIDE, LAYERS, HEADS, POSITIONS = 8, 16, 1, 2, 16
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz",
         *("##" + c for c in "abcdefghijklmnopqrstuvwxyz"), ".", ","]
CONFIG = {"model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": 1e-12, "vocab_size": len(WORDS),
          "max_position_embeddings": POSITIONS, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
          "num_attention_heads": HEADS, "intermediate_size": WIDE}


def shapes():
    """Name and shape of every tensor, in the order of the file."""
    yield "embeddings.word_embeddings.weight", (len(WORDS), HIDDEN)
    yield "embeddings.position_embeddings.weight", (POSITIONS, HIDDEN)
    yield "embeddings.token_type_embeddings.weight", (2, HIDDEN)
    yield "embeddings.LayerNorm.weight", (HIDDEN,)
    yield "embeddings.LayerNorm.bias", (HIDDEN,)
    for layer in range(LAYERS):
        for name, rows, cols in (("attention.self.query", HIDDEN, HIDDEN),
                                 ("attention.self.key", HIDDEN, HIDDEN),
                                 ("attention.self.value", HIDDEN, HIDDEN),
                                 ("attention.output.dense", HIDDEN, HIDDEN),
                                 ("attention.output.LayerNorm", HIDDEN, 0),
                                 ("intermediate.dense", WIDE, HIDDEN), ("output.dense", HIDDEN, WIDE),
                                 ("output.LayerNorm", HIDDEN, 0)):
            full = f"encoder.layer.{layer}.{name}"
            yield full + ".weight", (rows, cols) if cols else (rows,)
            yield full + ".bias", (rows,)


def tensors():
    """The header of model.safetensors and the bytes that follow it."""
    numbers, header, data = random.Random(1), {}, b""
    for name, shape in shapes():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = struct.pack(f"<{count}f", *(numbers.uniform(-1, 1) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": list(shape),
                        "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    return header, data


def safetensors(header, data):
    """The file; header may be text that is no JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text("".join(word + "\n" for word in WORDS))
    (folder / "model.safetensors").write_bytes(safetensors(*tensors()))
    return folder
