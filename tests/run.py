#!/usr/bin/env python3
"""Runs every test and ends with one line of counts: tests/run.py [--nightly] [--only NAME].

A stage is a build with its meson suites, or a folder of Python tests. Stages run one after another
because most of them use both cores; each prints its time and the output of what failed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.chdir(ROOT)

# name, build folder, environment, meson options, suites left out
BUILDS = [
    ("debug+release", "build", {}, [], ["slow"]),
    ("sanitizers", "build-asan", {},
     ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"], ["slow", "plain"]),
    ("clang", "build-clang", {"CC": "clang-14"}, [], ["slow", "plain"]),
]
NIGHTLY_SUITES = ["slow", "nightly"]
SCRIPTS = sorted((ROOT / "tests" / "e2e").glob("test_*.py"))
# Scripts that need the packages of tests/onnx/requirements.txt: name, words; and the nightly ones.
ONNX_PYTHON = ROOT / "build" / "onnx-venv" / "bin" / "python"
ONNX = [("onnx_suite", ["suite.py"]), ("onnx_contrib", ["contrib.py"]),
        ("onnx_bits", ["bits.py"])]
ONNX_NIGHTLY = [("onnx_models", ["models.py"])]


class Count:
    passed = failed = skipped = 0


def run(command, env=None, timeout=3600):
    """Runs quietly; gives back (exit code, output)."""
    done = subprocess.run(command, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, text=True, errors="replace",
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout


def tail(text, lines=60):
    return "\n".join(text.splitlines()[-lines:])


def meson_stage(folder, env, options, left_out, suites):
    """Builds one configuration, runs its tests and counts them from meson's own log."""
    if not (ROOT / folder / "build.ninja").exists():
        code, out = run(["meson", "setup", folder, *options], env)
        if code:
            return fail(f"meson setup {folder}", out)
    code, out = run(["ninja", "-C", folder, "--quiet"], env)
    if code:
        return fail(f"ninja -C {folder}", out)
    command = ["meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs",
               "--timeout-multiplier", "20"]
    for suite in left_out:
        command += ["--no-suite", suite]
    for suite in suites:
        command += ["--suite", suite]
    log = ROOT / folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    code, out = run(command, {"UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", **env})
    bad = False
    for line in log.read_text().splitlines() if log.exists() else []:
        result = json.loads(line)["result"]
        if result == "OK":
            Count.passed += 1
        elif result == "SKIP":
            Count.skipped += 1
        else:
            Count.failed += 1
            bad = True
    if code and not bad:
        return fail(" ".join(command), out)
    if bad:
        print(tail(out, 200))
    return not bad


def script_stage(path, *words, python=sys.executable):
    code, out = run([str(python), str(path), *words])
    for line in out.splitlines():
        if line.startswith("| "):  # figures that a test reports
            print("   ", line[2:])
    if code:
        return fail(str(path.relative_to(ROOT)), out)
    Count.passed += 1
    return True


def fail(what, out):
    Count.failed += 1
    print(f"FAILED: {what}\n{tail(out)}")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nightly", action="store_true", help="the long runs too")
    parser.add_argument("--only", metavar="NAME", help="stages whose name contains NAME")
    args = parser.parse_args()
    stages = [(name, lambda b=(folder, env, options, left_out): meson_stage(*b, []))
              for name, folder, env, options, left_out in BUILDS]
    stages += [(path.stem, lambda p=path: script_stage(p)) for path in SCRIPTS]
    stages += [(name, lambda w=words: script_stage(ROOT / "tests" / "onnx" / w[0], *w[1:], python=ONNX_PYTHON))
               for name, words in ONNX + (ONNX_NIGHTLY if args.nightly else [])]
    if args.nightly:
        stages.append(("nightly", lambda: meson_stage("build", {}, [], [], NIGHTLY_SUITES)))
    for name, stage in stages:
        if args.only and args.only not in name:
            continue
        begun = time.monotonic()
        good = stage()
        print(f"{'ok' if good else 'FAIL':4} {name} ({time.monotonic() - begun:.0f} s)", flush=True)
    print(f"{Count.passed} passed, {Count.failed} failed, {Count.skipped} skipped")
    return 1 if Count.failed or not Count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
