#!/usr/bin/env python3
"""Turns proto/ into C, reference pages and OpenAPI. Run it after every change of a .proto:

    python3 tools/generate.py            writes the files
    python3 tools/generate.py --check    says which differ, and fails if any does

Needs protoc and python3-protobuf, both packages of Debian.
"""

import os
import sys
from pathlib import Path

try:
    import google.protobuf  # noqa: F401
except ImportError:  # another Python is first in PATH: Debian's packages belong to Debian's
    if os.path.realpath(sys.executable) == os.path.realpath("/usr/bin/python3"):
        sys.exit("generate.py: needs Debian's package python3-protobuf")
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

from schema import emit_c, emit_docs, model  # noqa: E402

OWNED = ("src/base/gen", "docs/reference")  # folders in which every file is generated


def outdated(files):
    """Paths whose file is not what `files` says, with those that should not be there."""
    wrong = [p for p, text in files.items()
             if not (ROOT / p).is_file() or (ROOT / p).read_text(encoding="utf-8") != text]
    present = {str(p.relative_to(ROOT)) for folder in OWNED for p in (ROOT / folder).rglob("*")
               if p.is_file()}
    return sorted({*wrong, *(present - set(files))})


def write(files, paths):
    for path in paths:
        target = ROOT / path
        if path not in files:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files[path], encoding="utf-8")


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    try:
        schema = model.load(ROOT / "proto")
    except model.SchemaError as error:
        sys.exit(f"generate.py: {error}")
    files = {**emit_c.files(schema), **emit_docs.files(schema)}
    paths = outdated(files)
    if check and paths:
        sys.exit("differ from what tools/generate.py makes: " + " ".join(paths))
    write(files, paths)
    print(f"{len(schema.messages)} messages, {len(files)} files, {len(paths)} written")


main()
