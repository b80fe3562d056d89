#!/usr/bin/env python3
"""The generator refuses a .proto that the codec could not serve, and names the field at fault."""
import os
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import google.protobuf  # noqa: F401
except ImportError:  # another Python is first in PATH: Debian's packages belong to Debian's
    if os.path.realpath(sys.executable) == os.path.realpath("/usr/bin/python3"):
        sys.exit("needs Debian's package python3-protobuf")
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True
from schema import emit_c, model  # noqa: E402

HEAD = 'syntax = "proto3";\npackage assay.x.v1;\nimport "assay/options.proto";\n'


def load(text):
    with tempfile.TemporaryDirectory() as tmp:
        os.makedirs(f"{tmp}/assay/x")
        options = (ROOT / "proto/assay/options.proto").read_text()
        Path(tmp, "assay/options.proto").write_text(options)
        Path(tmp, "assay/x/x.proto").write_text(HEAD + text)
        return model.load(tmp)


class Refusals(unittest.TestCase):
    CASES = {
        "message M { string s = 1; }": "assay.x.v1.M.s: needs max_len",
        "message M { bytes s = 1 [(assay.fixed_len) = 3, (assay.max_len) = 4]; }": "not both",
        "message M { string s = 1 [(assay.fixed_len) = 3]; }": "fixed_len is for bytes",
        "message M { repeated uint32 n = 1; }": "assay.x.v1.M.n: max_count",
        "message M { uint32 n = 1 [(assay.max_count) = 2]; }": "assay.x.v1.M.n: max_count",
        "message M { float n = 1; }": "assay.x.v1.M.n: a type that the codec does not have",
        "message M { sint32 n = 1; }": "a type that the codec does not have",
        "message M { uint32 register = 1; }": "is a keyword of C",
        "message M { M m = 1; }": "assay.x.v1.M: contains itself",
        "message A { B b = 1; } message B { A a = 1; }": "contains itself",
        "message M { oneof o { uint32 a = 1; uint32 b = 2; } }": "oneof is not supported",
        "message M { map<uint32, uint32> m = 1; }": "assay.x.v1.M.m: max_count",
        'message M { option (assay.tx) = {signer: "s"}; }': "names the field 's'",
        'message M { option (assay.tx) = {signer: "n"}; uint32 n = 1; }': "needs MResponse",
        'message M { option (assay.query) = {answer: "N"}; }': "there is no message 'N'",
        'message M { option (assay.row) = {id: 0}; }': "row id must be 1 to 255",
        'message M { option (assay.row) = {id: 1}; } message N { option (assay.row) = {id: 1}; }':
            "share the row id 1",
        'message M { option (assay.row) = {id: 1 key: "l"}; '
        'repeated uint32 l = 1 [(assay.max_count) = 2]; }': "assay.x.v1.M.l: cannot stand in a key",
        "message a_b { } message A_b { }": "share the C name ay_x_a_b",
    }

    def test_schema_out_of_bounds_is_refused_by_name(self):
        for text, want in self.CASES.items():
            with self.subTest(text), self.assertRaises(model.SchemaError) as caught:
                load(text)
            self.assertIn(want, str(caught.exception))


class Output(unittest.TestCase):
    def test_messages_come_after_what_they_hold(self):
        schema = load("message A { B b = 1; } message B { uint32 n = 1; }")
        header = emit_c.header(schema.groups[0])
        self.assertLess(header.index("struct ay_x_b {"), header.index("struct ay_x_a {"))

    def test_same_input_gives_same_files(self):
        first, second = (emit_c.files(model.load(ROOT / "proto")) for _ in range(2))
        self.assertEqual(first, second)

    def test_names_are_snake_case(self):
        for name, want in {"TxRaw": "tx_raw", "ModeInfo.Single": "mode_info_single",
                           "HTTPServer": "http_server", "MsgAsk2Pay": "msg_ask2_pay"}.items():
            self.assertEqual(model.snake(name), want)
        self.assertEqual(model.group_name("cosmos.tx.signing.v1beta1"), "tx_signing")
        self.assertEqual(model.group_name("assay.work.v1"), "work")


unittest.main()
