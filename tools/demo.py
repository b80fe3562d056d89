#!/usr/bin/env python3
"""A whole market on this machine: a node, three providers of which one lies, a watcher, a consumer.

Every participant is a process of its own and talks to the node over loopback. What is printed comes
from the chain's own events and queries. Nothing is left running.
"""
import atexit
import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
ASSAY = ROOT / "build" / "assay"
LIAR = ROOT / "build" / "tests" / "liar"
MODEL = ROOT / "build" / "models" / "all-MiniLM-L6-v2"
HOME = ROOT / "build" / "demo"
MAX_SENTENCES = 640
LINES_A_JOB = 64
QUESTION = "make a file smaller"
ASY = 10**9
PEOPLE = {  # name: (coins to begin with, what they are)
    "victor": (1000 * ASY, "validator: runs the node, earns the transaction fees"),
    "ada": (1000 * ASY, "author: owns the model, earns a royalty on its use"),
    "anna": (1000 * ASY, "provider"),
    "bruno": (1000 * ASY, "provider"),
    "carl": (1000 * ASY, "provider, and a liar"),
    "wanda": (1000 * ASY, "watcher: recomputes answers, disputes wrong ones"),
    "clara": (1000 * ASY, "consumer: wants sentences embedded"),
}
PRICES = {"anna": 120, "bruno": 110, "carl": 90}  # nasy a million work units
BOND = 200 * ASY
STATES = {"STATE_ROOTS": "provider must list the hash of every operation's output",
          "STATE_PICK_OP": "challenger says which operation is the first wrong one",
          "STATE_NODES": "provider must open the tree of that output",
          "STATE_PICK_NODE": "challenger says which branch is wrong",
          "STATE_LEAF": "provider must open 1 KiB of it",
          "STATE_PICK_ELEMENT": "challenger says which element is wrong",
          "STATE_SEGMENT": "provider must show its running sums",
          "STATE_PICK_SEGMENT": "challenger says which of them is wrong",
          "STATE_STEP": "challenger must show that element's inputs; the ledger computes it",
          "STATE_PROVED": "the ledger got another number: THE CLAIM IS WRONG",
          "STATE_FAILED": "the challenge has failed",
          "STATE_CLOSED": "ended by another verdict"}

children = []
color = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def title(text):
    print(f"\n\033[1m{text}\033[0m" if color else f"\n{text}", flush=True)


def stop_children():
    """Ends what we started, the node last, and waits for each."""
    for process, log in reversed(children):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
    children.clear()


def fail(text):
    print(f"\nThe demo cannot go on: {text}\nLogs are in {HOME}.", file=sys.stderr)
    sys.exit(1)


def environment():
    return {**os.environ, "ASSAY_PASSPHRASE": "demo", "ASSAY_HOME": str(HOME), "NO_COLOR": "1"}


def assay(*args, parse=True):
    done = subprocess.run([str(ASSAY), *map(str, args)] + (["-o", "json"] if parse else []),
                          env=environment(), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=280)
    if done.returncode:
        fail(f"assay {' '.join(map(str, args[:3]))}: {done.stderr.strip()}")
    return json.loads(done.stdout) if parse and done.stdout.strip() else done.stdout


def background(name, program, *args):
    log = open(HOME / f"{name}.log", "w")
    process = subprocess.Popen([str(program), *map(str, args)], env=environment(), stdout=log,
                               stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    children.append((process, log))
    return process


def log_of(name):
    return (HOME / f"{name}.log").read_text()


def wait_for(name, process, pattern, seconds):
    """Until the process has said something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = re.search(pattern, log_of(name))
        if found:
            return found
        if process.poll() is not None:
            fail(f"{name} has stopped ({process.returncode}): {log_of(name).strip()[-400:]}")
        time.sleep(0.05)
    fail(f"{name} is silent: {log_of(name).strip()[-400:]}")


def rpc(url, method, **params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        got = json.load(answer)
    if "error" in got:
        fail(f"{method}: {got['error']}")
    return got["result"]


def events_since(url, height):
    """Our own events of all blocks after `height`: (height, type, {attribute: value})."""
    tip = int(rpc(url, "status")["sync_info"]["latest_block_height"])
    for h in range(height + 1, tip + 1):
        block = rpc(url, "block_results", height=str(h))
        groups = [tx["events"] for tx in block["txs_results"] or []]
        groups.append(block["finalize_block_events"] or [])
        for event in (event for group in groups for event in group):
            if event["type"].startswith("assay."):
                yield h, event["type"].split(".")[-1], {
                    a["key"]: a["value"] for a in event["attributes"]}


def coins(nasy):
    return f"{nasy / ASY:,.9f}".rstrip("0").rstrip(".") + " ASY"


class Market:
    def __init__(self):
        self.address = {}
        self.name = {}

    def who(self, address):
        return self.name.get(address, address[:12] + "..." if address else "nobody")

    def balance(self, name):
        return self.balance_of(self.address[name])

    def balance_of(self, address):
        with urllib.request.urlopen(f"{self.url}/cosmos/bank/v1beta1/balances/{address}") as got:
            return sum(int(b["amount"]) for b in json.load(got)["balances"] if b["denom"] == "nasy")

    def bond(self, name):
        done = subprocess.run([str(ASSAY), "query", "stake", "operator", self.address[name],
                               "-o", "json"], env=environment(), capture_output=True, text=True)
        return int(json.loads(done.stdout)["bond_nasy"]) if done.returncode == 0 else 0

    def begin(self):
        title("1. A network of its own")
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        for name in PEOPLE:
            self.address[name] = assay("keys", "add", name)["address"]
            self.name[self.address[name]] = name
        funds = [f"--fund={self.address[name]}={amount}" for name, (amount, _) in PEOPLE.items()]
        assay("init", "--chain-id", "demo-1", "--rpc-address", "127.0.0.1:0", *funds,
              "--set", "job.window_ms=25000", parse=False)
        self.node = background("node", ASSAY, "start")
        self.url = wait_for("node", self.node, r"serving on (http://\S+)", 30).group(1)
        os.environ["ASSAY_NODE"] = self.url
        print(f"One node makes blocks at {self.url}. Seven people with a key and some coins each:")
        for name, (amount, what) in PEOPLE.items():
            print(f"  {name:7} {self.address[name]}  {coins(amount):>9}  {what}")

    def register(self):
        title("2. A model becomes property")
        sent = assay("tx", "work", "register", "--program-file", MODEL / "program.bin", "--name",
                     "all-MiniLM-L6-v2", "--licence", "Apache-2.0", "--royalty-bps", 500, "--from",
                     "ada")
        self.program = sent["response"]["work_id"]
        print(f"ada registers all-MiniLM-L6-v2, a real model of 22 million weights, for a royalty of\n"
              f"5 % of each fee. Its name on the ledger is the hash of its computation and weights:\n"
              f"  {self.program}\n  (registered in block {sent['height']})")

    def provide(self):
        title("3. Providers put up bonds and ask prices")
        for name, price in PRICES.items():
            process = background(name, LIAR if name == "carl" else ASSAY,
                                 *([] if name == "carl" else ["provide"]), "--key", name, "--model",
                                 MODEL, "--price", price, "--bond", BOND, "--lock", BOND,
                                 "--capacity", self.capacity, "--threads", 1)
            said = wait_for(name, process, r"ask (\d+): .*", 90).group(0)
            print(f"  {name:6} bonds {coins(BOND)}; {said}")
        watcher = background("wanda", ASSAY, "watch", "--key", "wanda", "--model", MODEL,
                             "--max-bond", 100 * ASY, "--threads", 1)
        wait_for("wanda", watcher, "watching", 60)
        print("  wanda watches: she computes every claim again and earns from the bonds of liars.")

    def consume(self, sentences):
        title("4. A consumer has work done")
        path, out = HOME / "sentences.txt", HOME / "vectors.npy"
        path.write_text("".join(line + "\n" for line in sentences), encoding="utf-8")
        print(f"clara wants {len(sentences)} sentences as vectors: the one-line descriptions of the packages\n"
              f"on this machine, and a question. For example:\n  \"{sentences[0]}\"", flush=True)
        self.before = {name: self.worth(name) for name in PEOPLE}
        self.start_height = int(rpc(self.url, "status")["sync_info"]["latest_block_height"])
        begun = time.monotonic()
        done = subprocess.run([str(ASSAY), "job", "run", path, "--model", MODEL, "--from", "clara",
                               "--out", out, "--per-job", str(LINES_A_JOB), "--max-price", "200",
                               "--recheck", "0", "-o", "json"], env=environment(),
                              stdout=subprocess.PIPE, stderr=open(HOME / "clara.log", "w"), text=True,
                              stdin=subprocess.DEVNULL, timeout=200)
        if done.returncode:
            fail(f"assay job run: {log_of('clara').strip()[-600:]}")
        self.jobs = json.loads(done.stdout)
        self.seconds = time.monotonic() - begun
        self.events = list(events_since(self.url, self.start_height))
        for height, kind, event in self.events:
            if kind == "EventCleared" and int(event["matched"]):
                print(f"  block {height}: the market cleared at {event['price_nasy']} nasy a million units; "
                      f"{event['matched']} job{'s' * (event['matched'] != '1')} found a provider")
        won = {}
        for height, kind, event in self.events:
            if kind == "EventJob" and event["state"] == "STATE_MATCHED":
                won.setdefault(self.who(event["provider"]), []).append(event["job_id"])
        for name, ids in sorted(won.items()):
            print(f"  {name:6} won job{'s' * (len(ids) > 1)} {', '.join(ids)}")
        return read_npy(out)

    def dispute(self):
        title("5. The lie, and what became of it")
        moves = [(h, k, e) for h, k, e in self.events if k in ("EventMove", "EventVerdict", "EventReward")]
        if not any(k == "EventVerdict" for _, k, _ in moves):
            fail("nobody was convicted, although carl lied")
        print("carl changed the last bit of one number in one vector of one job. wanda computed the same\n"
              "vectors, saw another hash, and posted a bond to say so. Then, move by move:")
        rewards = {}
        for height, kind, event in moves:
            if kind == "EventMove":
                state = event["state"]
                bytes_ = f" ({event['bytes']} bytes)" if event.get("bytes", "0") != "0" else ""
                print(f"  block {height:4}, move {event['moves']:>2}{bytes_:14} -> {STATES.get(state, state)}")
            elif kind == "EventVerdict":
                print(f"  carl loses {coins(int(event['slashed_nasy']))} of his bond; "
                      f"{coins(int(event['burnt_nasy']))} of it is burnt")
            elif kind == "EventReward":
                paid = rewards.setdefault(self.who(event["challenger"]), [0, 0])
                paid[0] += int(event["reward_nasy"])
                paid[1] += int(event["fees_nasy"])
        for name, (reward, fees) in rewards.items():
            print(f"  {name} is paid {coins(reward)} of it and {coins(fees)} for what the moves cost; "
                  "the bond comes back")
        print("clara paid nothing for that job; it was posted again and answered truthfully.")

    def worth(self, name):
        """Coins, bond, and rewards that are locked for the unbonding period."""
        waiting = assay("query", "stake", "unbondings", self.address[name])["unbondings"]
        return self.balance(name) + self.bond(name) + sum(int(u["amount_nasy"]) for u in waiting)

    def settle(self):
        title("6. Who has what")
        royalty = assay("tx", "work", "withdraw", "--work-id", self.program, "--from", "ada")
        print(f"ada withdraws what her model has earned: {coins(int(royalty['response']['amount_nasy']))}. The table\n"
              "counts coins, bonds, and rewards that wait for the unbonding period.")
        print(f"  {'':7} {'before':>22} {'after':>22} {'change':>20}")
        for name in PEOPLE:
            after, before = self.worth(name), self.before[name]
            print(f"  {name:7} {coins(before):>22} {coins(after):>22} {(after - before) / ASY:>+20.9f}")
        supply = assay("query", "bank", "supply", "nasy")
        total = int(supply["genesis"]) + int(supply["minted"]) - int(supply["burned"])
        accounts = list(self.address.values()) + [module_address(m) for m in (
            "bank", "fees", "stake", "work", "market", "job", "dispute")]
        held = sum(self.balance_of(a) for a in accounts)
        height = rpc(self.url, "status")["sync_info"]["latest_block_height"]
        print(f"  genesis {coins(int(supply['genesis']))} + minted {coins(int(supply['minted']))} - burned "
              f"{coins(int(supply['burned']))} = {coins(total)}")
        print(f"  the sum of all accounts is {coins(held)}: {'equal to the last nasy' if held == total else 'NOT EQUAL'}")
        print(f"  the node checked its invariants after each of {height} blocks and found none broken.")
        if held != total:
            fail("coins were made or lost")


def module_address(module):
    return bech32(hashlib.sha256(b"assay/module/" + module.encode()).digest()[:20])


def bech32(data, prefix="assay"):
    """BIP-173."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = "".join(f"{byte:08b}" for byte in data)
    words = [int(bits[i:i + 5], 2) for i in range(0, len(bits), 5)]
    check = 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + words + [0] * 6:
        top = check >> 25
        check = (check & 0x1ffffff) << 5 ^ value
        for i, generator in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)):
            check ^= generator if top >> i & 1 else 0
    check ^= 1
    return prefix + "1" + "".join(alphabet[w] for w in words + [check >> 5 * (5 - i) & 31 for i in range(6)])


def read_npy(path):
    data = path.read_bytes()
    length = struct.unpack("<H", data[8:10])[0]
    rows, columns = map(int, re.search(r"\((\d+), (\d+)\)", data[10:10 + length].decode()).groups())
    flat = struct.unpack(f"<{rows * columns}f", data[10 + length:])
    return [flat[i * columns:(i + 1) * columns] for i in range(rows)]


def sentences_here():
    listing = subprocess.run(["dpkg-query", "-W", "-f", "${binary:Summary}\n"], capture_output=True,
                             text=True).stdout
    seen = dict.fromkeys(line.strip() for line in listing.splitlines() if len(line.strip()) > 8)
    step = max(1, -(-len(seen) // MAX_SENTENCES))
    return list(seen)[::step]


def answer(sentences, vectors):
    title("7. The answer")
    question = vectors[-1]
    near = sorted(((sum(map(math.prod, zip(question, v))), s) for v, s in zip(vectors[:-1], sentences)),
                  reverse=True)
    print(f"Asked for \"{QUESTION}\", the nearest of {len(sentences)} descriptions on this machine are:")
    for score, sentence in near[:5]:
        print(f"  {score:.3f}  {sentence}")


def main():
    for need in (ASSAY, LIAR, MODEL / "program.bin"):
        if not need.exists():
            fail(f"{need} is missing; run `make demo`")
    atexit.register(stop_children)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begun = time.monotonic()
    sentences = sentences_here()
    shown = json.loads(subprocess.run([str(ASSAY), "model", "show", str(MODEL), "-o", "json"],
                                      capture_output=True, text=True, check=True).stdout)
    market = Market()
    # About two fifths of the work, by a guess of four letters a token, so that nobody gets all of it.
    tokens = sum(len(s) // 4 + 2 for s in sentences)
    market.capacity = int(shown["max_units"]) // int(shown["max_tokens"]) * tokens * 2 // 5
    market.begin()
    market.register()
    market.provide()
    vectors = market.consume(sentences + [QUESTION])
    market.dispute()
    market.settle()
    answer(sentences, vectors)
    stop_children()
    title("Everything is stopped.")
    print(f"It took {time.monotonic() - begun:.0f} seconds. What to try next:\n"
          "  build/assay help                             the commands\n"
          "  build/assay model show build/models/all-MiniLM-L6-v2\n"
          "  README.md, \"Use it\"                          the same by hand, and with your own text\n"
          f"  {HOME.relative_to(ROOT)}/*.log                          what each participant said")


if __name__ == "__main__":
    main()
