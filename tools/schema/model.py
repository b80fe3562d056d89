"""Reads proto/ through protoc into plain objects that the emitters print.

Everything that a later step may rely on is checked here, once, so that a mistake in a .proto is
reported with the name of the field instead of turning into odd C.
"""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import descriptor_pb2

F = descriptor_pb2.FieldDescriptorProto
SCALARS = {  # proto type -> (kind, C type)
    F.TYPE_BOOL: ("BOOL", "bool"),
    F.TYPE_UINT32: ("U32", "uint32_t"),
    F.TYPE_UINT64: ("U64", "uint64_t"),
    F.TYPE_INT32: ("I32", "int32_t"),
    F.TYPE_INT64: ("I64", "int64_t"),
    F.TYPE_FIXED64: ("FIXED64", "uint64_t"),
    F.TYPE_SFIXED64: ("SFIXED64", "int64_t"),
    F.TYPE_ENUM: ("ENUM", "uint32_t"),
    F.TYPE_STRING: ("STRING", "struct ay_slice"),
    F.TYPE_BYTES: ("BYTES", "struct ay_slice"),
}
OUR_PREFIXES = ("assay", "cosmos", "google")
C_KEYWORDS = {"int", "char", "long", "short", "float", "double", "default", "register", "static",
              "struct", "union", "enum", "const", "return", "signed", "unsigned", "void", "auto",
              "for", "while", "do", "if", "else", "switch", "case", "goto", "break", "continue",
              "inline", "extern", "volatile", "typedef", "sizeof", "bool", "restrict"}


class SchemaError(Exception):
    pass


@dataclass
class Enum:
    full_name: str
    c_name: str
    doc: str
    values: list  # (name, C name, number, doc)
    group: str


@dataclass
class Field:
    name: str
    camel: str
    doc: str
    unit: str
    number: int
    kind: str  # of enum ay_kind
    c_type: str
    repeated: bool
    has: bool
    required: bool
    text: str
    length: int
    max_count: int
    target: str  # full name of the message or enum
    sub: object = None  # Message or Enum


@dataclass
class Message:
    full_name: str
    package: str
    c_name: str
    doc: str
    fields: list
    tx: object
    row: object
    query: object
    event: bool
    group: str
    response: object = None
    answer: object = None

    @property
    def name(self):
        return self.full_name[len(self.package) + 1:]

    def field(self, name):
        for f in self.fields:
            if f.name == name:
                return f
        raise SchemaError(f"{self.full_name}: an option names the field {name!r}, which it has not")


@dataclass
class Group:
    """All packages that share a C prefix: one header, one source, one reference page."""
    name: str
    docs: list = field(default_factory=list)  # (proto path, text)
    enums: list = field(default_factory=list)
    messages: list = field(default_factory=list)  # each after those that it holds

    def uses(self):
        """Names of the other groups that this one's fields refer to."""
        used = {f.sub.group for m in self.messages for f in m.fields if f.sub}
        return sorted(used - {self.name})


@dataclass
class Schema:
    groups: list
    messages: list  # all, ascending by full name


def snake(name):
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.replace(".", "_"))
    return re.sub(r"([A-Z])([A-Z][a-z])", r"\1_\2", name).lower()


def group_name(package):
    parts = package.split(".")
    if parts[0] in OUR_PREFIXES:
        parts = parts[1:]
    return "_".join(p for p in parts if not re.fullmatch(r"v\d+((alpha|beta)\d+)?", p))


def paragraph(text):
    return " ".join(text.split())


def compile_protos(proto_dir):
    """The FileDescriptorSet of every file in proto/, and the module of our options."""
    names = sorted(str(p.relative_to(proto_dir)) for p in proto_dir.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as tmp:
        common = ["protoc", f"-I{proto_dir}"]
        subprocess.run([*common, "--include_imports", "--include_source_info",
                        f"--descriptor_set_out={tmp}/set", *names], check=True)
        subprocess.run([*common, f"--python_out={tmp}", "assay/options.proto"], check=True)
        sys.path.insert(0, tmp)
        try:
            from assay import options_pb2
        finally:
            sys.path.remove(tmp)
        files = descriptor_pb2.FileDescriptorSet.FromString(Path(tmp, "set").read_bytes())
    return files, options_pb2


class Loader:
    def __init__(self, proto_dir):
        self.files, self.options = compile_protos(proto_dir)
        self.groups, self.by_name = {}, {}

    def load(self):
        for file in self.files.file:
            if file.package in ("", "assay") or file.name == "google/protobuf/descriptor.proto":
                continue
            self.load_file(file)
        messages = sorted((m for m in self.by_name.values() if isinstance(m, Message)),
                          key=lambda m: m.full_name)
        for m in messages:
            self.resolve(m)
        self.check_acyclic(messages)
        self.check_unique(messages)
        for g in self.groups.values():
            g.messages = in_order(g.messages)
        groups = [self.groups[name] for name in sorted(self.groups)]
        return Schema(groups, messages)

    def load_file(self, file):
        docs = {tuple(loc.path): paragraph(loc.leading_comments)
                for loc in file.source_code_info.location}
        group = self.groups.setdefault(group_name(file.package), Group(group_name(file.package)))
        group.docs.append((file.name, docs.get((12,), "")))
        for i, e in enumerate(file.enum_type):
            self.load_enum(group, file.package, "", e, (5, i), docs)
        for i, m in enumerate(file.message_type):
            self.load_message(group, file.package, "", m, (4, i), docs)

    def load_enum(self, group, package, outer, proto, path, docs):
        values = [(v.name, f"AY_{group.name}_{v.name}".upper(), v.number,
                   docs.get((*path, 2, i), "")) for i, v in enumerate(proto.value)]
        if any(v[2] < 0 for v in values):
            raise SchemaError(f"{package}.{proto.name}: negative enum value")
        name = f"{outer}{proto.name}"
        e = Enum(f"{package}.{name}", f"ay_{group.name}_{snake(name)}", docs.get(path, ""),
                 sorted(values, key=lambda v: v[2]), group.name)
        group.enums.append(e)
        self.by_name[e.full_name] = e

    def load_message(self, group, package, outer, proto, path, docs):
        name = f"{outer}{proto.name}"
        for i, e in enumerate(proto.enum_type):
            self.load_enum(group, package, f"{name}.", e, (*path, 4, i), docs)
        for i, nested in enumerate(proto.nested_type):
            self.load_message(group, package, f"{name}.", nested, (*path, 3, i), docs)
        full = f"{package}.{name}"
        ext = proto.options.Extensions
        get = lambda option: ext[option] if proto.options.HasExtension(option) else None
        fields = [self.load_field(full, package, f, docs.get((*path, 2, i), ""))
                  for i, f in enumerate(proto.field)]
        if any(not d.name.startswith("_") for d in proto.oneof_decl):
            raise SchemaError(f"{full}: oneof is not supported")
        m = Message(full, package, f"ay_{group.name}_{snake(name)}", docs.get(path, ""),
                    sorted(fields, key=lambda f: f.number), get(self.options.tx),
                    get(self.options.row), get(self.options.query), ext[self.options.event],
                    group.name)
        group.messages.append(m)
        self.by_name[full] = m

    def load_field(self, message, package, proto, doc):
        where = f"{message}.{proto.name}"
        o = proto.options.Extensions
        opt = self.options
        fixed, max_len, max_count = o[opt.fixed_len], o[opt.max_len], o[opt.max_count]
        repeated = proto.label == F.LABEL_REPEATED
        if proto.type == F.TYPE_MESSAGE:
            kind, c_type = "MESSAGE", ""
        elif proto.type in SCALARS:
            kind, c_type = SCALARS[proto.type]
        else:
            raise SchemaError(f"{where}: a type that the codec does not have")
        if fixed and kind != "BYTES":
            raise SchemaError(f"{where}: fixed_len is for bytes")
        if kind in ("BYTES", "STRING") and bool(fixed) == bool(max_len):
            raise SchemaError(f"{where}: needs max_len, or fixed_len for bytes, not both")
        if repeated != bool(max_count):
            raise SchemaError(f"{where}: max_count belongs to each repeated field, and to no other")
        if fixed:
            kind, c_type = "FIXED", "uint8_t"
        default_text = "hex" if package.startswith("assay.") else "base64"
        text = o[opt.text] or default_text
        if text not in ("hex", "base64", "address"):
            raise SchemaError(f"{where}: unknown text form {text!r}")
        optional = proto.proto3_optional
        required = not repeated and not optional and (o[opt.present] or bool(fixed))
        has = not repeated and not required and (optional or kind == "MESSAGE")
        if proto.name in C_KEYWORDS:
            raise SchemaError(f"{where}: is a keyword of C")
        return Field(proto.name, proto.json_name, doc, o[opt.unit], proto.number, kind, c_type,
                     repeated, has, required, text, fixed or max_len, max_count,
                     proto.type_name.lstrip("."))

    def resolve(self, m):
        for f in m.fields:
            if f.target:
                f.sub = self.by_name[f.target]
                if f.kind == "MESSAGE":
                    f.c_type = f"struct {f.sub.c_name}"
        if m.tx:
            m.field(m.tx.signer)
            m.response = self.by_name.get(f"{m.full_name}Response")
            if not m.response:
                raise SchemaError(f"{m.full_name}: a transaction needs {m.name}Response beside it")
        if m.query:
            m.answer = self.by_name.get(f"{m.package}.{m.query.answer}")
            if not m.answer:
                raise SchemaError(f"{m.full_name}: there is no message {m.query.answer!r}")
        if m.row:
            for key in row_keys(m):
                for f in key:
                    if f.repeated or f.has or f.kind == "MESSAGE":
                        raise SchemaError(f"{m.full_name}.{f.name}: cannot stand in a key")

    def check_acyclic(self, messages):
        done, open_ = set(), []

        def visit(m):
            if m.full_name in open_:
                raise SchemaError(f"{m.full_name}: contains itself")
            if m.full_name in done:
                return
            open_.append(m.full_name)
            for f in m.fields:
                if f.kind == "MESSAGE":
                    visit(f.sub)
            open_.pop()
            done.add(m.full_name)

        for m in messages:
            visit(m)

    def check_unique(self, messages):
        seen = {}
        for m in messages:
            keys = [("C name", m.c_name)]
            if m.row:
                if not 1 <= m.row.id <= 255:
                    raise SchemaError(f"{m.full_name}: row id must be 1 to 255")
                keys.append(("row id", m.row.id))
            for key in keys:
                if key in seen:
                    raise SchemaError(f"{m.full_name} and {seen[key]} share the {key[0]} {key[1]}")
                seen[key] = m.full_name


def row_keys(m):
    """The primary key, then the indexes, each a list of fields."""
    split = lambda text: [m.field(n.strip()) for n in text.split(",") if n.strip()]
    return [split(m.row.key), *map(split, m.row.index)]


def query_path(m):
    short = re.sub(r"^Query|Request$", "", m.name)
    return m.query.path or f"/{m.package}.Query/{short}"


def in_order(messages):
    """The messages, each after those of its group that it holds."""
    out = []

    def visit(m):
        if m in out:
            return
        for f in m.fields:
            if f.kind == "MESSAGE" and f.sub in messages:
                visit(f.sub)
        out.append(m)

    for m in messages:
        visit(m)
    return out


def load(proto_dir):
    return Loader(Path(proto_dir)).load()
