#!/usr/bin/env python3
"""A layer includes only itself and the layers before it; a module reaches another module, and code
outside src/modules any module, only through its <name>.h or its arithmetic, <name>_math.h; modules
and the store know only their interfaces of the ledger."""
import re
import unittest
from pathlib import Path

SRC = Path(__file__).resolve().parent.parent / "src"
LAYERS = ["base", "crypto", "tensor", "verify", "ledger", "modules", "store", "engine", "net",
          "role", "cli", "sim"]
# What modules may know of the ledger; a store knows the map alone.
LEDGER_FOR = {
    "modules": {"account.h", "ctx.h", "events.h", "gas.h", "module.h"},
    "store": {"kv.h"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def includes():
    for path in sorted(SRC.rglob("*.[ch]")):
        for target in INCLUDE.findall(path.read_text()):
            yield path.relative_to(SRC), target


def is_test(path):
    return path.name.startswith(("test_", "fuzz_", "testing."))


def fault(path, target):
    """Why this file must not include that one, or None."""
    if not (SRC / target).is_file():
        # From src/ on, so that the layer is in the path, save for a file beside its only user.
        beside = "/" not in target and (SRC / path.parent / target).is_file()
        return None if beside else "not from src/"
    layer, other = path.parts[0], target.split("/")[0]
    if other not in LAYERS or layer not in LAYERS:
        return "no such layer"
    if LAYERS.index(other) > LAYERS.index(layer):
        return f"{other} comes after {layer}"
    if other == "modules" and target.count("/") == 2 and not is_test(path):
        _, module, header = target.split("/")
        if not (layer == "modules" and path.parts[1] == module) and header not in \
                (f"{module}.h", f"{module}_math.h"):
            return f"not {module}'s interface"
    if other == "ledger" and layer in LEDGER_FOR and not is_test(path):
        if target.split("/")[1] not in LEDGER_FOR[layer]:
            return f"{layer} must not know it"
    return None


class Layers(unittest.TestCase):
    def test_includes_of_every_file_stay_in_bounds(self):
        found = [f"src/{path} includes {target}: {why}"
                 for path, target in includes() if (why := fault(path, target))]
        self.assertEqual(found, [])

    def test_rule_sees_what_it_forbids(self):
        for path, target in [("base/arena.c", "ledger/ctx.h"), ("verify/game.c", "ledger/ctx.h"),
                             ("modules/bank/send.c", "modules/stake/verbs.h"),
                             ("modules/bank/send.c", "store/store.h"),
                             ("modules/bank/send.c", "ledger/overlay.h"),
                             ("ledger/tx.c", "modules/bank/bank.h"), ("net/json.h", "role/x.h"),
                             ("engine/solo.c", "modules/bank/verbs.h")]:
            if (SRC / target).is_file():
                self.assertIsNotNone(fault(Path(path), target), (path, target))
        self.assertIsNone(fault(Path("modules/job/post.c"), "modules/bank/bank.h"))

    def test_every_folder_of_src_is_a_layer(self):
        self.assertEqual([d.name for d in SRC.iterdir() if d.is_dir() and d.name not in LAYERS], [])


if __name__ == "__main__":
    unittest.main()
