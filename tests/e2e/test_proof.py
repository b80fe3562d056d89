#!/usr/bin/env python3
"""What a node says of its state can be checked against its headers: proofs of rows that are there and
of rows that are not, verified here by the tree's rules as docs/adr/0002-*.md states them, with
nothing of ours but the bytes."""
import base64
import hashlib
import struct

import common
from common import ASY, expect, figure

EMPTY, OTHER, MEMBER = 0, 1, 2


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def verify(root, key, value, proof):
    """Whether the proof shows that the key has this value (None: none) under the root."""
    end, depth = struct.unpack(">BH", proof[:3])
    rest, path = proof[3:], sha256(key)
    if end == OTHER:
        other_key, other_value, rest = rest[:32], rest[32:64], rest[64:]
        node = sha256(b"\0", other_key, other_value)
        if other_key == path or any(bit(other_key, i) != bit(path, i) for i in range(depth)):
            return False  # it is the key's own leaf, or does not lie on its path
    else:
        node = sha256(b"\0", path, sha256(value)) if end == MEMBER else bytes(32)
    siblings = [rest[i:i + 32] for i in range(0, len(rest), 32)]
    if len(siblings) != depth or (end == MEMBER) != (value is not None):
        return False
    for d in reversed(range(depth)):
        pair = (siblings[d], node) if bit(path, d) else (node, siblings[d])
        node = sha256(b"\1", *pair)
    return node == root


def bit(path, i):
    return path[i // 8] >> (7 - i % 8) & 1


def ask(node, key, **more):
    got = node.rpc("abci_query", path="/store/state/key", data=key.hex(), prove=True, **more)["response"]
    if got["code"]:
        return got, None, None
    op, = got["proofOps"]["ops"]
    expect(op["type"] == "assay:smt" and base64.b64decode(op["key"]) == key, str(op))
    value = None if got["value"] is None else base64.b64decode(got["value"])
    return got, value, base64.b64decode(op["data"])


def app_hash(node, height):
    """The state's root after the block, which the next header carries."""
    return bytes.fromhex(node.rpc("block", height=str(height + 1))["block"]["header"]["app_hash"])


def run():
    with common.Home() as home:
        alice, bob = home.key("alice"), home.key("bob")
        home.init(f"--fund={alice}={10 * ASY}")
        node = home.start()
        home.env["ASSAY_NODE"] = node.url
        # The bank's supply row by its primary key: its number, 0, then the denom.
        supply = bytes([17, 0]) + b"nasy"
        checked = 0
        for amount in range(1, 9):
            home.assay("tx", "bank", "send", "--to-address", bob, "--amount", f"{amount}nasy", "--from", "alice")
            got, value, proof = ask(node, supply)
            root = app_hash(node, int(got["height"]))
            if value is None:
                raise AssertionError("the supply has no row")
            expect(verify(root, supply, value, proof), "the supply's proof does not hold")
            expect(not verify(root, supply, value + b"\0", proof), "the proof holds for another value")
            for i in range(64):
                key = bytes([250]) + sha256(bytes([amount, i]))
                got, value, proof = ask(node, key)
                expect(value is None, "a row that nobody wrote")
                root = app_hash(node, int(got["height"]))
                expect(verify(root, key, None, proof), "an absent row's proof does not hold")
                expect(not verify(root, supply, None, proof), "it proves the supply absent")
                checked += 1
        first, old, proof = ask(node, supply, height="1")
        expect(verify(app_hash(node, 1), supply, old, proof), "block 1's proof does not hold")
        expect(ask(node, supply, height="100000")[0]["code"] != 0, "a height that is not there")
        expect(ask(node, supply, height="-1")[0]["code"] != 0, "a height below all")
        figure(f"{checked} proofs of absence and {8 + 1} of membership hold under the headers' app hashes")
        expect(node.stop() == 0, node.log)


common.main(run)
