#!/usr/bin/env python3
"""Each `file:name` of ARCHITECTURE.md's table must be defined in that file."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def defined(path, name):
    """A definition begins its name at the margin's type: `type name(` or `type name = {`."""
    if not path.exists():
        return False
    return re.search(rf"^[a-z][^;\n]*\b{name}(\(|\s*=)", path.read_text(), re.MULTILINE) is not None


def main():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rows = re.findall(r"\| `(src/[^:`]+):([a-z0-9_]+)` \|", text)
    wrong = [f"{path}:{name}" for path, name in rows if not defined(ROOT / path, name)]
    paths = re.findall(r"`((?:src|tests|tools|docs|proto|bench)/[\w./-]+)`", text)
    wrong += [path for path in paths if not (ROOT / path).exists()]
    for place in wrong:
        print(f"ARCHITECTURE.md names {place}, which is not there")
    print(f"{len(rows)} rows, {len(paths)} paths checked")
    return 1 if wrong or len(rows) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
