"""Files that are damaged one at a time, and what a command must make of each.

    cases = Cases(home)
    cases.file(path, cut(100), ("model", "show", folder), 1, "program.bin")
    cases.end("model folders")      a figure
    cases.verdict()                 fails with every case that was not as it should be
"""
import hashlib
import os
import resource
import shutil

from common import expect, figure

COMMAND_PEAK_MIB = 192  # opening a key takes 64 of them by design
MIB = 1 << 20


class Cases:
    """Runs cases and collects what is not as it should be."""

    def __init__(self, home):
        self.home, self.wrong, self.count = home, [], 0

    def file(self, path, damage, args, code, *texts):
        """The command on a damaged file: damage gets the path. Everything else stays as it is."""
        self.count += 1
        kept = self.home.folder / "kept"
        move(path, kept)
        if kept.is_file():
            shutil.copy2(kept, path)
        elif kept.is_dir():
            shutil.copytree(kept, path)
        damage(path)
        before = fingerprint(self.home.folder)
        done = self.home.run(*args)
        name = f"{path.name}, {damage.__name__}: assay {' '.join(map(str, args))}"
        self.judge(name, done.returncode == code, f"exit code {done.returncode}: {done.stderr}")
        for text in texts:
            self.judge(name, text in done.stderr, f"{text!r} is not in: {done.stderr}")
        self.judge(name, "Sanitizer" not in done.stderr, done.stderr)
        changed = sorted({entry[0] for entry in before ^ fingerprint(self.home.folder)})
        self.judge(name, not changed, f"changed: {changed}")
        remove(path)
        move(kept, path)

    def judge(self, name, good, text):
        if not good:
            self.wrong.append(f"{name}: {str(text).strip()[-400:]}")

    def end(self, what):
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        self.judge(what, peak < COMMAND_PEAK_MIB, f"a command took {peak} MiB")
        figure(f"{what}: {self.count} cases, at most {peak} MiB")
        self.count = 0

    def verdict(self):
        expect(not self.wrong, f"{len(self.wrong)} cases:\n" + "\n".join(self.wrong))


def move(path, to):
    if os.path.lexists(path):
        path.rename(to)


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def fingerprint(folder):
    """Every file below, with its mode, size and content."""
    found = set()
    for path in folder.rglob("*"):
        if path.name == "lock.mdb":  # of whoever reads
            continue
        info = path.lstat()
        content = b"" if info.st_size > 8 * MIB or not path.is_file() or path.is_symlink() else \
            path.read_bytes()
        found.add((str(path), info.st_mode, info.st_size if path.is_file() else 0,
                   hashlib.sha256(content).hexdigest()))
    return found


def named(name):
    """Gives a damage the name that a failing case shows."""
    def name_it(function):
        function.__name__ = name
        return function
    return name_it


def written(content):
    """The file has other bytes."""
    data = content if isinstance(content, bytes) else content.encode()

    @named(f"holding {data[:60]!r}")
    def damage(path):
        path.write_bytes(data)
    return damage


def flipped(at):
    """One bit of the byte at `at` is another."""
    @named(f"byte {at} changed")
    def damage(path):
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)
    return damage


def cut(length):
    @named(f"cut to {length}")
    def damage(path):
        os.truncate(path, length if length >= 0 else path.stat().st_size + length)
    return damage


def longer(more):
    @named("longer")
    def damage(path):
        with open(path, "ab") as file:
            file.write(more)
    return damage


@named("missing")
def gone(path):
    remove(path)


@named("a folder in its place")
def folder_instead(path):
    path.unlink()
    path.mkdir()


def huge(size):
    """Longer than it may be, without taking up the disk."""
    @named(f"of {size} bytes")
    def damage(path):
        os.truncate(path, size)
    return damage
