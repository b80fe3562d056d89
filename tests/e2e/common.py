"""What the end-to-end scripts share: homes, keys, nodes that end with the script, calls.

    with common.Home() as home:             a network's home folder, gone afterwards
        alice = home.key("alice")           a key and its address
        home.init(f"--fund={alice}=1000")   assay init, on a port that the kernel chooses
        node = home.start()                 waits until it serves; stopped with the home
        node.rpc("status")                  a call; RpcError when the node answers with an error
        home.assay("tx", "bank", "send", ..., node=node)   the command line, its JSON answer
        node.stop()

A script ends with `common.main(run)`: exit code 0 when run() returns, 1 with the reason when
something raises. Figures are lines that begin with "| ".
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("ASSAY_BUILD", ROOT / "build"))
ASSAY = BUILD / "assay"
TESTS = BUILD / "tests"
ASY = 10**9
READY_SECONDS = 60


class RpcError(Exception):
    """The node's own answer to a call that it refused; args[0] has code, message and data."""


class Failed(Exception):
    """A command's exit code was not 0."""

    def __init__(self, command, code, stderr):
        super().__init__(f"{command}: exit code {code}: {stderr.strip()[-600:]}")
        self.code, self.stderr = code, stderr


def figure(text):
    print("|", text, flush=True)


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def call(url, method, timeout=30, **params):
    """One JSON-RPC call. OSError (urllib.error.URLError) when nobody answers."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            got = json.load(answer)
    except urllib.error.HTTPError as refused:  # an answer too
        got = json.load(refused)
    if got.get("error"):
        raise RpcError(got["error"])
    return got["result"]


class Process:
    """A program of ours with its output in a file."""

    def __init__(self, command, log, env, **more):
        self.log_path = pathlib.Path(log)
        with open(self.log_path, "ab") as out:
            self.log_from = out.tell()
            self.process = subprocess.Popen([str(word) for word in command], stdout=out,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                            env=env, **more)

    @property
    def log(self):
        """What this run has said so far."""
        return self.log_path.read_bytes()[self.log_from:].decode(errors="replace")

    @property
    def log_of_all(self):
        """What this run and those before it under the same name have said."""
        return self.log_path.read_bytes().decode(errors="replace")

    def wait_for(self, pattern, seconds=READY_SECONDS, earlier=False):
        """Until the log has the pattern; gives back the match. earlier: a run before may have said
        it."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.log_of_all if earlier else self.log)
            if found:
                return found
            expect(self.process.poll() is None,
                   f"ended early with {self.process.returncode}: {self.log[-600:]}")
            expect(time.monotonic() < end, f"no {pattern!r} in time: {self.log[-600:]}")
            time.sleep(0.01)

    def wait(self, seconds=READY_SECONDS):
        """Until it ends by itself; gives back the exit code."""
        return self.process.wait(seconds)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        return self.process.wait()

    def stop(self, seconds=READY_SECONDS):
        """SIGTERM, then the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


class Node(Process):
    def ready(self):
        self.url = self.wait_for(r"serving on (http://\S+)").group(1)
        return self

    def rpc(self, method, **params):
        return call(self.url, method, **params)

    def height(self):
        return int(self.rpc("status")["sync_info"]["latest_block_height"])

    def get(self, path):
        """The JSON of a REST path."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def balance(self, address):
        """nasy that the address can spend."""
        got = self.get(f"/cosmos/bank/v1beta1/balances/{address}")
        return sum(int(coin["amount"]) for coin in got["balances"] if coin["denom"] == "nasy")


class Home:
    def __init__(self, name="home"):
        self.name, self.processes = name, []

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-test-"))
        self.path = self.folder / self.name
        self.env = {**os.environ, "ASSAY_HOME": str(self.path), "ASSAY_PASSPHRASE": "of a test",
                    "NO_COLOR": "1"}
        self.env.pop("ASSAY_NODE", None)
        return self

    def __exit__(self, kind, value, trace):
        for process in reversed(self.processes):
            try:
                process.stop()
            except subprocess.TimeoutExpired:
                pass
        if kind:
            print(reason(value))
            logs = sorted(self.folder.glob("*.log"), key=lambda log: log.stat().st_mtime)
            for log in logs[-4:]:
                print(f"--- end of {log.name}\n{log.read_text(errors='replace')[-1500:]}")
        shutil.rmtree(self.folder)

    def run(self, *args, node=None, program=ASSAY, **more):
        """The finished `assay ARGS` whatever came of it; `more` goes into its environment."""
        env = {**self.env, **({"ASSAY_NODE": node.url} if node else {}), **more}
        return subprocess.run([str(program), *map(str, args)], env=env, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=300)

    def assay(self, *args, node=None):
        """`assay ARGS -o json`, which must succeed: its answer."""
        done = self.run(*args, "-o", "json", node=node)
        if done.returncode:
            raise Failed(f"assay {' '.join(map(str, args[:3]))}", done.returncode, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def key(self, name):
        return self.assay("keys", "add", name)["address"]

    def init(self, *args):
        self.assay("init", "--rpc-address", "127.0.0.1:0", *args)

    def background(self, name, *command, kind=Process, **more):
        """A process whose output is in name.log; it ends with the home."""
        process = kind(command, self.folder / f"{name}.log", self.env, **more)
        self.processes.append(process)
        return process

    def start(self, *wrapper, name="node", **more):
        """The node, run by the words of wrapper if there are any, once it serves."""
        return self.launch(*wrapper, name=name, **more).ready()

    def launch(self, *wrapper, name="node", **more):
        """As start, without waiting."""
        return self.background(name, *wrapper, ASSAY, "start", kind=Node, **more)


def reason(error):
    """Why a script failed, and where in it, in few lines: a text with a long log in it is cut."""
    lines = [line[:400] for line in f"{type(error).__name__}: {error}".splitlines()]
    if len(lines) > 30:
        lines[10:-15] = ["..."]
    text = "\n".join(lines)
    place = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in place if os.path.basename(frame.filename).startswith("test_")] or place
    return f"{text}\n  in {os.path.basename(mine[-1].filename)}:{mine[-1].lineno}, {mine[-1].name}"


def main(run):
    """Runs it. The reason of a failure is the last thing said; a home has said it before its logs."""
    try:
        run()
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc(limit=-4, chain=False, file=sys.stdout)
        print(reason(error))
        sys.exit(1)
