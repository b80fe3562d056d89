#!/usr/bin/env python3
"""Changes the dispute's rules, one at a time, and sees that the exploration notices.

usage: run.py BUILD_DIR EXPLORE   (meson test mutations)

dispute.txt holds the changes: a line "@ FILE: WHAT", lines "-TEXT" that stand in the file exactly
once, lines "+TEXT" that take their place. The changed file is compiled as the build compiles it and
linked before the libraries, so that it replaces the one in them. Fails if a text is no longer found
exactly once, a change does not compile, or the exploration ends as if nothing were wrong.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = pathlib.Path(__file__).with_name("dispute.txt")
AT_LEAST = 20


def read_table():
    changes = []
    for line in TABLE.read_text().splitlines():
        if line.startswith("@ "):
            file, what = line[2:].split(": ", 1)
            changes.append({"file": file, "what": what, "old": [], "new": []})
        elif line.startswith("-"):
            changes[-1]["old"].append(line[1:])
        elif line.startswith("+"):
            changes[-1]["new"].append(line[1:])
    return changes


def compile_command(build, source, changed, output):
    """The build's own command for the source, on the changed text."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if (build / entry["file"]).resolve() == source:
            command = shlex.split(entry["command"])
            command[command.index("-o") + 1] = str(output)
            command[command.index("-c") + 1] = str(changed)
            for flag in ("-MQ", "-MF"):
                command[command.index(flag) + 1] = str(output) + ".d"
            return command + ["-w"]  # a change may leave something unused
    raise SystemExit(f"{source} is not compiled in {build}")


def link_command(build, explore, output, obj):
    commands = subprocess.run(["ninja", "-C", build, "-t", "commands", os.path.relpath(explore, build)],
                              check=True, capture_output=True, text=True).stdout
    command = shlex.split(commands.splitlines()[-1])
    at = command.index("-o")
    command[at + 1] = str(output)
    return command[:at + 2] + [str(obj)] + command[at + 2:]


def judge(build, explore, change, folder):
    """None when the change is caught, else why not; and what caught it."""
    source = ROOT / change["file"]
    text, old = source.read_text(), "\n".join(change["old"]) + "\n"
    if text.count(old) != 1:
        return f"its text stands in the file {text.count(old)} times", ""
    changed, obj, binary = folder / source.name, folder / "changed.o", folder / "explore"
    changed.write_text(text.replace(old, "".join(line + "\n" for line in change["new"])))
    for command in (compile_command(build, source, changed, obj), link_command(build, explore, binary, obj)):
        done = subprocess.run(command, cwd=build, capture_output=True, text=True)
        if done.returncode != 0:
            return done.stderr.strip() or done.stdout.strip(), ""
    run = subprocess.run([binary], capture_output=True, text=True, timeout=600)
    if run.returncode == 0:
        return "the exploration does not notice", ""
    last = (run.stdout.strip().splitlines() or [""])[-1] + (run.stderr.strip().splitlines() or [""])[-1]
    return None, re.sub(r"^VIOLATION in ", "", last)


def main():
    build, explore = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    changes = read_table()
    if len(changes) < AT_LEAST:
        raise SystemExit(f"{len(changes)} changes; there must be {AT_LEAST}")
    bad = 0
    with tempfile.TemporaryDirectory() as top, ThreadPoolExecutor(os.cpu_count()) as pool:
        folders = [pathlib.Path(top) / str(i) for i in range(len(changes))]
        for folder in folders:
            folder.mkdir()
        results = pool.map(lambda pair: judge(build, explore, *pair), zip(changes, folders))
        for change, (trouble, how) in zip(changes, results):
            bad += trouble is not None
            print(f"{'SURVIVED' if trouble else 'caught':8} {change['what']}: {trouble or how}", flush=True)
    print(f"{len(changes) - bad} of {len(changes)} changes caught")
    sys.exit(1 if bad else 0)


main()
