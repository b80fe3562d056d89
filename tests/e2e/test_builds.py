#!/usr/bin/env python3
"""The bits do not depend on the compiler: one recorded stream of 500 blocks over all modules gives the
same app hash after each block when the ledger is built by gcc at -O0, -O2 and -O3 and by clang."""
import os
import subprocess
import time

import common

# folder, compiler, options; the first is what everything else is compared with
BUILDS = [
    ("build", {}, []),
    ("build-O0", {}, ["-Doptimization=0"]),
    ("build-O3", {}, ["-Doptimization=3"]),
    ("build-clang", {"CC": "clang-14"}, []),
]


def quiet(command, env):
    done = subprocess.run([str(word) for word in command], env={**os.environ, **env}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    common.expect(done.returncode == 0, f"{command}: {done.stdout[-3000:]}")
    return done.stdout


def replay(folder, env, options, stream):
    """The app hashes that this build makes of the stream, one line a block."""
    path = common.ROOT / folder
    if not (path / "build.ninja").exists():
        quiet(["meson", "setup", path, common.ROOT, *options], env)
    quiet(["ninja", "-C", path, "tests/replay"], env)
    return quiet([path / "tests" / "replay", "--stream", stream], env)


def run():
    stream = common.BUILD / "stream.bin"
    record = quiet([common.TESTS / "record", stream], {})
    common.figure(record.splitlines()[-1])
    expected = None
    for folder, env, options in BUILDS:
        begun = time.monotonic()
        hashes = replay(folder, env, options, stream).splitlines()
        expected = expected or hashes
        for height, (want, got) in enumerate(zip(expected, hashes)):
            common.expect(want == got, f"{folder}, block {height}: {got}, elsewhere {want}")
        common.expect(len(hashes) == len(expected) == 501, f"{folder}: {len(hashes)} app hashes")
        common.figure(f"{folder:12} {len(hashes) - 1} blocks, last app hash "
                      f"{hashes[-1].split()[1][:16]}... ({time.monotonic() - begun:.0f} s)")


common.main(run)
