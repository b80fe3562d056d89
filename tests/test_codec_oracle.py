#!/usr/bin/env python3
"""Compares the codec with google.protobuf: random messages of every type of the schema, encoded
by protobuf, must come back from the codec byte for byte; damaged ones must be refused, or mean to
protobuf exactly what they mean to the codec.

    tests/test_codec_oracle.py PROGRAM [SEED]

PROGRAM is tests/codec_echo.c. Protobuf does not write defaults, so what the schema requires beyond
it (fixed bytes, fields marked present) is always filled in here.
"""
import os
import random
import subprocess
import sys
from pathlib import Path

try:
    from google.protobuf import descriptor_pool, message_factory
except ImportError:  # another Python is first in PATH: Debian's packages belong to Debian's
    if os.path.realpath(sys.executable) == os.path.realpath("/usr/bin/python3"):
        sys.exit("needs Debian's package python3-protobuf")
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True
from schema import model  # noqa: E402

ROUNDS, FLIPS = 12, 4
BITS = {"BOOL": 1, "U32": 32, "U64": 64, "I32": 32, "I64": 64, "FIXED64": 64, "SFIXED64": 64}
LETTERS = "aé€𝄞 \0z"


def number(f, rng):
    bits = BITS[f.kind]
    v = rng.choice([0, 1, (1 << bits) - 1, 1 << (bits - 1), rng.getrandbits(rng.randint(1, bits))])
    signed = f.kind in ("I32", "I64", "SFIXED64")
    return v - (1 << bits) if signed and v >> (bits - 1) else v


def value(f, rng):
    if f.kind in BITS:
        return number(f, rng)
    if f.kind == "ENUM":
        return rng.choice(f.sub.values)[2]
    if f.kind == "FIXED":
        return rng.randbytes(f.length)
    if f.kind == "BYTES":
        return rng.randbytes(rng.randint(0, min(f.length, 40)))
    text = "".join(rng.choice(LETTERS) for _ in range(rng.randint(0, 12)))
    return text if len(text.encode()) <= f.length else ""


def fill(m, into, rng):
    for f in m.fields:
        if f.repeated:
            many = getattr(into, f.name)
            for _ in range(min(f.max_count, rng.choice([0, 0, 1, 2, 3]))):
                if f.kind == "MESSAGE":
                    fill(f.sub, many.add(), rng)
                else:
                    many.append(value(f, rng))
        elif not f.required and rng.random() < 0.3:
            continue
        elif f.kind == "MESSAGE":
            getattr(into, f.name).SetInParent()
            fill(f.sub, getattr(into, f.name), rng)
        else:
            v = value(f, rng)
            setattr(into, f.name, v or 1 if f.required and f.kind in BITS else v)


def cases(schema, classes, rng):
    """(full name, bytes, whether the codec must take them)"""
    for m in schema.messages:
        for _ in range(ROUNDS):
            made = classes[m.full_name]()
            fill(m, made, rng)
            data = made.SerializeToString(deterministic=True)
            yield m.full_name, data, True
            for _ in range(FLIPS if data else 0):
                at = rng.randrange(len(data))
                flipped = data[at] ^ 1 << rng.randrange(8)
                yield m.full_name, data[:at] + bytes([flipped]) + data[at + 1:], False


def message_classes(loader):
    pool = descriptor_pool.DescriptorPool()
    for file in loader.files.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName(name))


def check(name, data, must, answer, classes):
    """What is wrong, or None."""
    if answer.startswith("refused"):
        return f"{answer}: {data.hex()}" if must else None
    if answer != data.hex():
        return f"{data.hex()} came back as {answer}"
    understood = classes[name].FromString(data).SerializeToString(deterministic=True)
    return None if understood == data else f"{data.hex()} is {understood.hex()} to protobuf"


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20261123
    print("seed", seed)
    loader = model.Loader(ROOT / "proto")
    schema = loader.load()
    get = message_classes(loader)
    classes = {m.full_name: get(m.full_name) for m in schema.messages}
    asked = list(cases(schema, classes, random.Random(seed)))
    lines = "".join(f"{name} {data.hex()}\n" for name, data, _ in asked)
    done = subprocess.run([sys.argv[1]], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    answers = done.stdout.splitlines()
    if len(answers) != len(asked):
        sys.exit(f"{len(asked)} messages asked, {len(answers)} answered")
    wrong = [f"{name}: {fault}" for (name, data, must), answer in zip(asked, answers)
             if (fault := check(name, data, must, answer, classes))]
    for line in wrong[:20]:
        print(line)
    refused = sum(a.startswith("refused") for a in answers)
    print(f"{len(asked)} messages of {len(schema.messages)} types, {refused} refused, "
          f"{len(wrong)} wrong")
    sys.exit(1 if wrong or not refused else 0)


main()
