#!/usr/bin/env python3
"""Bytes from outside that are wrong: each is refused with a text that names the place and the reason,
in bounded memory, and changes nothing.

Files are damaged one at a time and given to a command, whose exit code and text are checked; then the
folder must be as it was, and the damage is undone. What comes over the network goes to one node,
whose state, memory and answers to others must not suffer. All wrong cases are listed, not the first.
"""
import base64
import contextlib
import json
import pathlib
import re
import shutil
import socket
import time

import common
import tiny_model
from damage import Cases, cut, flipped, folder_instead, gone, huge, longer, named, written
from common import ASY, expect, figure

FAILURE, USAGE, NOT_FOUND, REJECTED, KEY = 1, 2, 3, 5, 6
NODE_GROWTH_MIB = 160
MIB = 1 << 20


def settings(cases):
    """config.toml, read by the node and by whoever looks for it."""
    path = cases.home.path / "config" / "config.toml"
    lines = [
        ("frob\n", "line 1: a setting looks like key = value"),
        ("[node\n", "line 1: a section looks like [name]"),
        ("[" + "n" * 70 + "]\n", "line 1: a section looks like [name]"),
        ("# fine\n[node]\nfrob = 1\n", "line 3: there is no such setting"),
        ('moniker = "a"\n', "line 1: there is no such setting"),
        ("[node]\nmoniker = a\n", 'line 2: a text in "quotes" goes here'),
        ('[node]\nmoniker = "\n', 'line 2: a text in "quotes" goes here'),
        ('[node]\nmoniker = "a\\b"\n', "line 2: quotes and backslashes"),
        ('[node]\nmoniker = "' + "a" * 256 + '"\n', "line 2: the text is too long"),
        (b'[node]\nmoniker = "\xff"\n', "line 2: a text is in UTF-8"),
        ('[node]\nmoniker = "a"\nmoniker = "b"\n', "line 3: the setting is there twice"),
        ("[mempool]\ntxs = -1\n", "line 2: a smaller whole number goes here"),
        ("[mempool]\ntxs = 4294967297\n", "line 2: a smaller whole number goes here"),
        ("[store]\nmap_bytes = 1e9\n", "line 2: a whole number goes here"),
        ("[store]\nmap_bytes = 99999999999999999999\n", "line 2: a whole number goes here"),
        ("[store]\n\nmap_bytes =\n", "line 3: a whole number goes here"),
        (b"[node]\n\0\n", "has a NUL in it"),
        ("#" * 70000, "longer than 65536 bytes"),
    ]
    for content, text in lines:
        for command in ("start", "status"):
            cases.file(path, written(content), (command,), FAILURE, f"{path}: {text}")
    cases.file(path, huge(1 << 40), ("start",), FAILURE, "longer than 65536 bytes")
    cases.file(path, folder_instead, ("status",), FAILURE, f"{path}: cannot be read")
    for content, text in (
            ('[rpc]\naddress = "here"\n', "rpc.address is host:port, not here"),
            ('[rpc]\naddress = "0.0.0.0:0"\n', "rpc.key (16 characters or more) must be set"),
            ('[rpc]\naddress = "elsewhere:80"\n', "rpc.address elsewhere:80"),
            ('[node]\nmin_gas_price = "cheap"\n', "node.min_gas_price looks like 0.025nasy, not cheap"),
            ('[rpc]\naddress = "127.0.0.1:0"\ncors_origins = "' + "a," * 17 + '"\n',
             "rpc.cors_origins names more than 16")):
        cases.file(path, written(content), ("start",), FAILURE, text)
    cases.end("settings")


def keys(cases):
    """A key file, under each of the ways to read it."""
    home, folder = cases.home, cases.home.path / "keys"
    path = folder / "alice.key"
    whole = f"{folder}/alice.key is no whole key file"
    sealed = "the passphrase does not open key alice, or its file was changed"
    export = ("keys", "export", "alice")
    for damage in (cut(0), cut(100), cut(-1), longer(b"x"), flipped(0), written(b"x" * 300),
                   huge(1 << 40)):
        for args in (export, ("keys", "show", "alice"), ("keys", "list")):
            cases.file(path, damage, args, FAILURE, whole)
    # kind, passes, memory: beyond what a file may ask for
    for at, value in ((12, b"\x07"), (46, b"\xff\xff\xff\xff"), (46, b"\0\0\0\0"),
                      (50, b"\xff\xff\xff\xff"), (50, b"\0\0\0\1")):
        @named(f"{value!r} at {at}")
        def damage(file, at=at, value=value):
            data = file.read_bytes()
            file.write_bytes(data[:at] + value + data[at + len(value):])
        cases.file(path, damage, export, FAILURE, whole)
    for at in (13, 20, 54, 70, 94, 120, -1):  # public key, salt, nonce, sealed secret, its tag
        cases.file(path, flipped(at), export, KEY, sealed)

    @named("another key under this name")
    def swapped(file):
        shutil.copy2(folder / "bob.key", file)
    cases.file(path, swapped, export, KEY, sealed)

    @named("readable by others")
    def wide(file):
        file.chmod(0o644)
    cases.file(path, wide, export, FAILURE, "may be read by others; chmod go-rwx")

    @named("a link")
    def link(file):
        file.unlink()
        file.symlink_to(folder / "bob.key")
    cases.file(path, link, export, FAILURE, "key alice")
    cases.file(path, folder_instead, export, FAILURE, "key alice")
    cases.file(path, gone, export, NOT_FOUND, f"there is no key alice in {folder}")

    @named("open to others")
    def wide_folder(file):
        file.chmod(0o755)
    cases.file(folder, wide_folder, export, FAILURE, "may be read by others; chmod go-rwx")
    for words in ("abandon " * 23 + "abandon", "one two three", "", "x" * 600, "\xff\xfe" * 20):
        cases.count += 1
        done = common.subprocess.run([common.ASSAY, "keys", "add", "eve", "--recover"], env=home.env,
                                     input=words.encode("latin-1") + b"\n", capture_output=True)
        cases.judge(f"recover {words[:20]!r}", done.returncode == KEY and
                    b"words of BIP-39" in done.stderr, f"{done.returncode} {done.stderr}")
        cases.judge("recover", not (folder / "eve.key").exists(), "a key was made")
    cases.end("keys")


def genesis(cases):
    """genesis.json and validator.key, before there is a chain."""
    path = cases.home.path / "config" / "genesis.json"
    good = json.loads(path.read_text())
    accounts = good["bank"]["accounts"]
    amount = lambda text: [{**accounts[0], "amount_nasy": text}]
    validator = good["stake"]["validators"][0]

    def changed(section, **members):
        return json.dumps({**good, section: {**good[section], **members}})

    for content, text in (
            ("", "line 1 column 0"), ("{", "line 1 column 1"), ("[]", "expects an object"),
            ("[" * 100, "too deep"), ('{"a":' * 100, "too deep"), ("[" + "1," * 3000000 + "1]", "too many"),
            (b'{"chain_id":"\xff"}', "unable to decode byte 0xff"), ("{}", "chain_id"),
            ('{"chain_id":"a","chain_id":"b"}', "duplicate object key"),
            (json.dumps({**good, "frob": 1}), "frob: unknown field"),
            (json.dumps({**good, "chain_id": "A B"}), "chain_id must be of a-z, 0-9, - and _"),
            (json.dumps({**good, "chain_id": "a" * 400}), "chain_id: expects text"),
            (json.dumps({**good, "chain_id": 7}), "chain_id: expects text"),
            (json.dumps({**good, "time_ms": "soon"}), "time_ms: expects a whole number"),
            (json.dumps({**good, "time_ms": 1.5}), "time_ms: expects a whole number"),
            (json.dumps({k: v for k, v in good.items() if k != "job"}), "section job is missing"),
            (json.dumps({k: v for k, v in good.items() if k != "ledger"}), "section ledger is missing"),
            (changed("ledger", max_block_gas="0"), "max_block_gas must be above 0"),
            (changed("bank", frob=1), "bank.frob: unknown field"),
            (changed("bank", accounts={}), "bank.accounts: expects an array"),
            (changed("bank", accounts=[7]), "bank.accounts[0]: expects an object"),
            (changed("bank", accounts=accounts * 2), "is there twice"),
            (changed("bank", accounts=amount("18446744073709551616")),
             "bank.accounts[0].amount_nasy: expects a whole number"),
            (changed("bank", accounts=amount("-1")), "bank.accounts[0].amount_nasy"),
            (changed("bank", accounts=amount("0")), "bank.accounts[0].amount_nasy is 0"),
            (changed("bank", accounts=[{**a, "amount_nasy": str(2**63)} for a in accounts]),
             "more coins than 2^64"),
            (changed("bank", accounts=[{**accounts[0], "address": "assay1qqqq"}]),
             "bank.accounts[0].address"),
            (changed("stake", validators=[{**validator, "pub_key": "00"}]),
             "stake.validators[0].pub_key: expects"),
            (changed("stake", params=None), "stake.params"),
    ):
        cases.file(path, written(content), ("start",), FAILURE, text)
    cases.file(path, huge(1 << 40), ("start",), FAILURE, "genesis.json (over a limit)")
    cases.file(path, folder_instead, ("start",), FAILURE, "genesis.json")
    cases.file(path, gone, ("start",), NOT_FOUND, "there is no network in")
    key = cases.home.path / "config" / "validator.key"
    for damage in (cut(0), cut(63), written("z" * 64), longer(b"00"), huge(1 << 30), folder_instead):
        cases.file(key, damage, ("start",), FAILURE, f"{key}")
    cases.file(key, gone, ("start",), NOT_FOUND, f"{key}")
    cases.file(key, written("5" * 64), ("start",), KEY, f"{key}: this validator key is not the one")
    for validators in ([], [validator] * 2):
        cases.file(path, written(changed("stake", validators=validators)), ("start",), KEY,
                   "not the one validator of the genesis")
    cases.end("genesis")


def other_genesis(cases):
    """Once there is a chain, its genesis is what it was."""
    path = cases.home.path / "config" / "genesis.json"
    good = json.loads(path.read_text())
    good["bank"]["accounts"][0]["amount_nasy"] = "7"
    cases.file(path, written(json.dumps(good)), ("start",), FAILURE, "genesis")
    cases.end("another genesis")


def model_folder(cases):
    """Each file of an imported model; show reads all, run uses them."""
    home, model = cases.home, cases.home.folder / "tiny"
    text = home.folder / "text.txt"
    text.write_text("a cab\n")
    show = ("model", "show", model)
    run = ("model", "run", model, "--input", text, "--out", home.folder / "y.npy")
    program, weights = model / "program.bin", model / "weights.bin"
    vocabulary, card = model / "vocab.txt", model / "model.json"
    size = weights.stat().st_size
    for args in (show, run):
        for damage in (cut(0), cut(100), cut(-1), longer(b"\x01"), written(b"\xff" * 50), huge(1 << 40)):
            cases.file(program, damage, args, FAILURE, "program.bin")
        cases.file(program, flipped(200), args, FAILURE, ".bin")
        for damage in (cut(size // 2), cut(size - 1)):
            cases.file(weights, damage, args, FAILURE, "weights.bin: too short for weight")
        for at in (0, size - 1):
            cases.file(weights, flipped(at), args, FAILURE, "weights.bin: weight")
        # The first table ends within a unit of alignment, the rest of which is zero.
        after = len(tiny_model.WORDS) * tiny_model.HIDDEN * 4
        cases.file(weights, flipped(after), args, FAILURE, "weights.bin: not zero before weight 1")
        cases.file(weights, longer(b"\0"), args, FAILURE, "weights.bin: bytes at its end")
        cases.file(weights, cut(0), args, FAILURE, "weights.bin")
    for content, reason in (
            (b"", "lacks [UNK], [CLS] or [SEP]"), ("[UNK]\n[CLS]\n", "lacks [UNK], [CLS] or [SEP]"),
            (b"[UNK]\n[CLS]\n\xff\n[SEP]\n", "vocabulary, line 3: not UTF-8"),
            ("[UNK]\n[CLS]\n[SEP]\na\na\n", "vocabulary, line 5: entry met before"),
            ("\n" * (1 << 21), "more than")):
        cases.file(vocabulary, written(content), show, FAILURE, reason)
    cases.file(vocabulary, huge(1 << 40), show, FAILURE, "vocab.txt")
    cases.file(vocabulary, longer(b"more\nand\n"), run, FAILURE, "vocab.txt: more entries than")
    for content, reason in (("", "model.json, line"), ("{", "model.json, line 1"),
                            ("[]", "model.json: not an object"), ("[" * 5000, "model.json, line 1"),
                            ('{"name":"a","name":"b"}', "duplicate object key")):
        cases.file(card, written(content), show, FAILURE, reason)
    cases.file(card, huge(1 << 40), show, FAILURE, "model.json")
    for path in (program, weights, vocabulary, card):
        cases.file(path, gone, show, NOT_FOUND, path.name)
        cases.file(path, folder_instead, show, FAILURE, path.name)
    cases.end("model folders")


def safetensors(cases):
    """model import of a hostile folder: nothing is left of it."""
    source = cases.home.folder / "source"
    path, config = source / "model.safetensors", source / "config.json"
    args = ("model", "import", source, cases.home.folder / "imported")
    header, data = tiny_model.tensors()
    first = next(iter(header))

    def changed(**members):
        return tiny_model.safetensors({**header, first: {**header[first], **members}}, data)

    words = header[first]["data_offsets"][1]
    rest = {name: entry for name, entry in header.items() if name != first}
    nan = b"\xff" * 4 + data[4:]
    for content, text in (
            (b"", "model.safetensors"), (b"\x01\0\0", "shorter than its header's length"),
            (b"\xff" * 16, "header above"), ((1000).to_bytes(8, "little") + b"{}", "longer than the file"),
            (tiny_model.safetensors(b"{", data), "header, byte"),
            (tiny_model.safetensors(b"[]", data), "header is not an object"),
            (tiny_model.safetensors(b"[" * 100000, b""), "header, byte"),
            (tiny_model.safetensors(b'{"a":{},"a":{}}', b""), "duplicate object key"),
            (tiny_model.safetensors(b'{"a":{}}', b""), "tensor a: not just dtype, shape"),
            (changed(shape=[-1, 8]), "size in shape"), (changed(shape="x"), "shape is not a list"),
            (changed(shape=[2**62, 2**62]), "size in shape"),
            (changed(shape=[1] * 99), "shape is not a list"),
            (changed(dtype="F99"), "unknown dtype"), (changed(dtype="I32"), "cannot be used"),
            (changed(shape=[8, 59]), "has another shape"),
            (changed(data_offsets=[0, 2**60]), "data_offsets outside the file"),
            (changed(data_offsets=[8, 4]), "data_offsets outside the file"),
            (changed(data_offsets=[0, words - 4]), "bytes do not match the shape"),
            (changed(data_offsets=[4, words + 4]), "overlap or gap"),
            (tiny_model.safetensors(header, data + b"x"), "bytes after the last tensor"),
            (tiny_model.safetensors(rest, data), "overlap or gap"),
            (tiny_model.safetensors(header, data[:-4]), "data_offsets outside the file"),
            (tiny_model.safetensors({**{f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
                                        for i in range(65537)}}, b""), "too many tensors"),
            (tiny_model.safetensors(header, nan), f"{first} cannot be used")):
        cases.file(path, written(content), args, FAILURE, text)
    cases.file(path, huge(1 << 40), args, FAILURE, "bytes after the last tensor")
    cases.file(path, gone, args, NOT_FOUND, "model.safetensors: No such file")
    c = tiny_model.CONFIG
    for content, text in (
            ("", "config.json, line"), ("[]", "config.json: model_type is not bert"),
            (json.dumps({**c, "hidden_act": "relu"}), "hidden_act is not gelu"),
            (json.dumps({**c, "hidden_size": 2**40}), "hidden_size is not in 1..16384"),
            (json.dumps({**c, "hidden_size": -8}), "hidden_size is not in 1..16384"),
            (json.dumps({**c, "num_attention_heads": 3}), "heads do not divide hidden_size"),
            (json.dumps({**c, "num_hidden_layers": 48}), "encoder.layer.1.attention.self.query.weight"),
            (json.dumps({**c, "layer_norm_eps": "small"}), "layer_norm_eps"),
            (json.dumps({**c, "vocab_size": 5}), "another shape")):
        cases.file(config, written(content), args, FAILURE, text)
    cases.file(source / "vocab.txt", longer(b"more\n"), args, FAILURE, "more entries than vocab_size")
    cases.end("safetensors")


def sentences(cases):
    """What is to be embedded."""
    home, text = cases.home, cases.home.folder / "sentences.txt"
    out = home.folder / "z.npy"
    text.write_text("a\n")
    run = ("model", "run", home.folder / "tiny", "--input", text, "--out", out)
    job = ("job", "run", text, "--model", home.folder / "tiny", "--from", "alice", "--out", out)
    for args in (run, job):
        cases.file(text, written(b"a\nb\n\xc3\x28\n"), args, FAILURE, f"{text}", "line 3 is not UTF-8")
        cases.file(text, written(b"\xed\xa0\x80"), args, FAILURE, "line 1 is not UTF-8")
        cases.file(text, huge(1 << 40), args, FAILURE, f"{text} is longer than")
        cases.file(text, folder_instead, args, FAILURE, f"{text}")
    cases.file(text, written(b""), job, FAILURE, f"{text} is empty")
    cases.file(text, written(b"\n" * ((1 << 24) + 1)), run, FAILURE, "more than 16777216 lines")
    cases.file(text, written(b"\n" * ((1 << 20) + 1)), job, FAILURE, "more than 1048576 lines")
    cases.file(text, written(b"a"), (*run[:-1], home.folder / "none" / "z.npy"), FAILURE, "cannot write")
    for content, rows in ((b"", 0), (b"ab " * (10 * MIB // 3), 1), (b"\0\n\n", 2)):
        text.write_bytes(content)
        cases.count += 1
        done = home.run(*run, "-o", "json")
        good = done.returncode == 0 and json.loads(done.stdout)["sentences"] == rows
        cases.judge(f"sentences {content[:10]!r}", good, f"{done.returncode} {done.stderr}")
    cases.end("sentences")


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def split_tx(raw):
    """body_bytes, auth_info_bytes and signature of a TxRaw."""
    parts, at = [], 0
    while at < len(raw):
        at, length, shift = at + 1, 0, 0
        while True:
            length |= (raw[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if not raw[at - 1] & 128:
                break
        parts.append(raw[at:at + length])
        at += length
    return parts


def transactions(cases, node, raw):
    """raw: one that the chain took. Nearly the same bytes are refused by the decoder's own words."""
    body, auth, signature = split_tx(raw)
    parts = field(1, body) + field(2, auth) + field(3, signature)
    expect(parts == raw, "this is not how a TxRaw is made")
    message = field(1, field(1, b"/cosmos.bank.v1beta1.MsgFrob") + field(2, b"x"))
    for name, tx, text in (
            ("cut", raw[:-1], "too early in field 3 of /cosmos.tx.v1beta1.TxRaw"),
            ("cut to one byte", raw[:1], "too early in field 1"),
            ("unknown field", raw + b"\x78\x01", "field 15 of"),
            ("length not minimal", raw[:1] + varint(len(body))[:-1] +
             bytes([varint(len(body))[-1] | 128, 0]) + raw[1 + len(varint(len(body))):],
             "varint not minimal or too long in field 1"),
            ("fields turned round", field(2, auth) + field(1, body) + field(3, signature),
             "out of order in field 1"),
            ("a field twice", field(1, body) + parts, "repeated or out of order in field 1"),
            ("an empty field written", field(1, b"") + field(2, auth) + field(3, signature),
             "explicit default in field 1"),
            ("another wire type", b"\x08\x01" + field(2, auth), "wrong wire type in field 1"),
            ("noise", bytes(range(256)), "tx parse error"),
            ("unknown message", field(1, message) + field(2, auth) + field(3, signature), "MsgFrob"),
            ("body cut", field(1, body[:-1]) + field(2, auth) + field(3, signature),
             "too early in field 1 of /cosmos.tx.v1beta1.TxBody"),
            ("no message", field(2, auth) + field(3, signature), "at least one message"),
            ("taken already", raw, "already exists"),
            ("two signatures", parts + field(3, signature), "expected 1, got 2"),
            ("over the limit", field(1, body + field(2, b"m" * MIB)) + field(2, auth), "tx too large")):
        cases.count += 1
        try:
            got = node.rpc("broadcast_tx_sync", tx=base64.b64encode(tx).decode())
        except common.RpcError as refused:
            got = {"code": refused.args[0]["code"], "log": refused.args[0]["data"]}
        cases.judge(f"transaction, {name}", got["code"] and text in got["log"], got)
        if name == "over the limit":  # in hexadecimal it is larger than a request may be
            continue
        query = node.rpc("abci_query", path="/cosmos.tx.v1beta1.Service/Simulate",
                         data=field(2, tx).hex())["response"]
        cases.judge(f"simulation, {name}", query["code"], query)
    for name, data, text in (("cut", b"\x08", "id"), ("unknown field", b"\x78\x01", "15"),
                             ("not minimal", b"\x08\x81\x00", "id")):
        cases.count += 1
        query = node.rpc("abci_query", path="/assay.job.v1.Query/Job", data=data.hex())["response"]
        cases.judge(f"query, {name}", query["code"] and text in query["log"], query)
    cases.end("transactions")


def exchange(node, request):
    """Sends bytes as they are and reads until the node closes: status (0: none), what it said."""
    host, port = node.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as peer:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in request if isinstance(request, list) else [request]:
                peer.sendall(piece)
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := peer.recv(65536):
                data += piece
    status = int(data.split()[1]) if data.startswith(b"HTTP/1.") else 0
    return status, data.decode(errors="replace")


def post(body, head=b""):
    return (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nConnection: close\r\n" % len(body)
            + head + b"\r\n" + body)


def rpc(cases, node):
    """Bodies of JSON-RPC: HTTP status, error code, text."""
    def call(method, **params):
        return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()

    for body, status, code, text in (
            (b"", 500, -32700, "Parse error"), (b"{", 500, -32700, "line 1 column 1"),
            (b"\xff", 500, -32700, "unable to decode byte 0xff"),
            (b'{"a":1,"a":2}', 500, -32700, "duplicate object key"),
            (b"[" * 100000, 500, -32700, "too deep"), (b'{"a":' * 1000, 500, -32700, "too deep"),
            (b"[" + b"1," * 700000 + b"1]", 500, -32700, "too many values"),
            (b"7", 200, -32600, "no request object"), (b"[]", 200, -32600, "empty batch"),
            (b"[" + b"7," * 2000 + b"7]", 200, -32600, "batch too large"),
            (b'{"id":{},"method":"status"}', 200, -32600, "no request object"),
            (call("frob"), 200, -32601, "Method not found"), (b'{"id":1}', 200, -32601, "Method not found"),
            (call("subscribe", query="tm.event='Tx'"), 200, -32601, "Method not found"),
            (b'{"id":1,"method":"block","params":7}', 200, -32602, "Expected map or array"),
            (b'{"id":1,"method":"block","params":[1,2,3]}', 200, -32602, "expected 1 parameters, got 3"),
            (call("block", height="soon"), 200, -32602, "bad value of height"),
            (call("block", height="99"), 200, -32603, "must be less than or equal to"),
            (call("block", height="-1"), 200, -32603, "height"),
            (call("tx", hash=7), 200, -32602, "bad value of hash"),
            (call("broadcast_tx_sync", tx="%%%"), 200, -32602, "bad value of tx"),
            (call("broadcast_tx_sync", tx=""), 200, -32603, "tx is empty"),
            (call("tx_search", query="frob"), 200, -32603, "query"),
            (call("tx_search", query="tx.height=1", page="0"), 200, -32603, "page"),
            (call("abci_query", path="/frob", data="zz"), 200, -32602, "bad value of data")):
        cases.count += 1
        got, answer = exchange(node, post(body))
        good = got == status and f'"code":{code}' in answer and text in answer
        cases.judge(f"rpc {body[:40]!r}", good, f"{got} {answer[-300:]}")
    cases.end("JSON-RPC")


def http(cases, node):
    """Requests that two readers could see differently, or that never end."""
    host = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
    body = b'{"jsonrpc":"2.0","id":1,"method":"health"}'
    hidden = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"
    length = b"Content-Length: %d\r\n" % len(body)
    for name, request, statuses, text in (
            ("two lengths", host + length + b"Content-Length: 0\r\n\r\n" + body, (400,), "said twice"),
            ("two equal lengths", host + length * 2 + b"\r\n" + body, (400,), "said twice"),
            ("length and chunks", host + length + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
             (400,), "said twice"),
            ("an unknown coding", host + b"Transfer-Encoding: gzip\r\n\r\n" + body, (400,),
             "unknown Transfer-Encoding"),
            ("chunked in other words", host + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", (400,), ""),
            ("a negative length", host + b"Content-Length: -1\r\n\r\n" + body, (400, 0), ""),
            ("a signed length", host + b"Content-Length: +5\r\n\r\n" + body, (400, 0), ""),
            ("a length that overflows", host + b"Content-Length: 18446744073709551617\r\n\r\n", (400, 413, 0),
             ""),
            ("a blank before the colon", host + b"Content-Length : 5\r\n\r\n12345", (400, 0), ""),
            ("two hosts", host + b"Host: elsewhere\r\n" + length + b"\r\n" + body, (400,), "two Host"),
            ("another host", b"GET /status HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n", (403,),
             "this Host is not served"),
            ("another origin", hidden[:-2] + b"Origin: http://elsewhere.example\r\n\r\n", (403,),
             "this Origin is not served"),
            ("too many headers", hidden[:-2] + b"a: b\r\n" * 200 + b"\r\n", (431,), ""),
            ("a long header", hidden[:-2] + b"a: " + b"b" * 20000 + b"\r\n\r\n", (431,), ""),
            ("a header without end", hidden[:-2] + b"a: " + b"b" * (4 * MIB), (431, 400, 0), ""),
            ("a long path", b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n\r\n", (414, 431, 400, 0), ""),
            ("a NUL in a path", b"GET /sta%00tus HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
             (400, 404), ""),
            ("a path upwards", b"GET /blobs/../../config/validator.key HTTP/1.1\r\nHost: localhost\r\n\r\n",
             (404, 400), ""),
            ("no HTTP", b"\x16\x03\x01" + bytes(range(160, 224)) + b"\r\n\r\n", (400, 0), ""),
            ("another method", b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n", (405,), "method not allowed"),
            ("too large a body", host + b"Content-Length: 3000000\r\n\r\n", (413,), "the body is too large"),
            ("too many chunks", [host + b"Transfer-Encoding: chunked\r\n\r\n",
                                 *[b"100000\r\n" + b"x" * MIB + b"\r\n"] * 4, b"0\r\n\r\n"], (0, 413), "")):
        cases.count += 1
        got, answer = exchange(node, request)
        good = got in statuses and text in answer and "sync_info" not in answer
        cases.judge(f"http, {name}", good, f"{got} {answer[-300:]}")
    cases.end("HTTP")


def blobs(cases, node, home):
    """What is kept under its hash is what it says."""
    put = b"PUT /blobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    content = b"x" * 3000
    status, answer = exchange(node, put + b"Content-Length: 3000\r\n\r\n" + content)
    expect(status == 201, answer)
    blob = json.loads(answer.split("\r\n\r\n")[1])["id"]
    host, port = node.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as peer:  # hangs up in the middle
        peer.sendall(put + b"Content-Length: 3000\r\n\r\n" + content[:1000])

    def get(path):
        return exchange(node, b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n"
                        b"Connection: close\r\n\r\n")

    status, answer = get(f"/blobs/{blob}/proof?first=2&count=9")
    cases.judge("blob, range too far", status == 400 and "1 to 256 chunks of 3" in answer, answer)
    file, = [path for path in (home.path / "data" / "blobs").rglob("*") if path.name.startswith(blob)]
    file.chmod(0o600)
    file.write_bytes(b"y" + content[1:])
    for name, got, status, text in (
            ("short id", get("/blobs/abcd"), 400, "64 hex digits"),
            ("no hex", get("/blobs/" + "z" * 64), 400, "64 hex digits"),
            ("unknown id", get("/blobs/" + "0" * 64), 404, "not found"),
            ("no range", get(f"/blobs/{blob}/proof"), 400, "first and count"),
            ("damaged on the disk", get(f"/blobs/{blob}/proof?first=0&count=1"), 500, "damaged"),
            ("over the limit", exchange(node, put + b"Content-Length: %d\r\n\r\n" % (65 * MIB)), 413,
             "too large")):
        cases.count += 1
        cases.judge(f"blob, {name}", got[0] == status and text in got[1], f"{got[0]} {got[1][-200:]}")
    kept = [path.name for path in (home.path / "data" / "blobs").rglob("*")
            if re.fullmatch("[0-9a-f]{64}.*", path.name)]
    cases.judge("blobs", set(kept) <= {blob, file.name}, f"kept: {kept}")
    cases.end("blobs")


def peak_mib(node):
    for line in pathlib.Path(f"/proc/{node.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    raise AssertionError("no VmHWM")


def network(cases, home, alice):
    node = home.start()
    sent = home.assay("tx", "bank", "send", "--to-address", alice, "--amount", "5nasy", "--from", "alice",
                      node=node)
    txhash = base64.b64encode(bytes.fromhex(sent["txhash"])).decode()
    raw = base64.b64decode(node.rpc("tx", hash=txhash)["tx"])
    before, peak = node.rpc("status")["sync_info"], peak_mib(node)
    transactions(cases, node, raw)
    rpc(cases, node)
    http(cases, node)
    blobs(cases, node, home)
    after, grown = node.rpc("status")["sync_info"], peak_mib(node) - peak
    expect(after == before, f"the state has changed: {before} {after}")
    expect(grown < NODE_GROWTH_MIB, f"the node grew by {grown} MiB")
    expect(node.stop() == 0, node.log)
    figure(f"the node's state is what it was, its memory grew by {grown} MiB at most")


def run():
    begun = time.monotonic()
    with common.Home() as home:
        cases = Cases(home)
        alice, bob = home.key("alice"), home.key("bob")
        home.init(f"--fund={alice}={1000 * ASY}", f"--fund={bob}=1")
        home.assay("model", "import", tiny_model.write(home.folder / "source"), home.folder / "tiny")
        settings(cases)
        keys(cases)
        genesis(cases)
        model_folder(cases)
        safetensors(cases)
        sentences(cases)
        network(cases, home, alice)
        other_genesis(cases)
        cases.verdict()
    figure(f"{time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    common.main(run)
