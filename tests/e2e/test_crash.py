#!/usr/bin/env python3
"""A node under load is killed (SIGKILL) 50 times: half of them at the beginning or the end of a call
that writes to its store, the rest at an instant of the clock. After each restart everything that it
had acknowledged is there, and every account's sequence and balance are what the transfers found on
the chain add up to. At the end all stored blocks are executed again and give every stored app hash.
ASSAY_SEED chooses other instants."""
import collections
import os
import random
import re
import time

import common
import transfers

KILLS = 50
CLIENTS = 8
LEAST_IN_COMMIT = 10
FILE = "data.mdb"


def kill_once(home, books, kind, n, index):
    """One life of the node; its end, in its own words."""
    node = home.start(common.TESTS / "kill_at", kind, n, FILE)
    lines = transfers.load(home, node, CLIENTS, name=f"load-{index}")
    common.expect(node.wait() == 0, node.log[-600:])
    end = re.findall(r"^(?:killed|interrupted).*", node.log, re.M)
    checked = home.start()
    sent, acknowledged = books.settle(checked, lines)
    books.compare(checked)
    checked.stop()
    return end, sent, acknowledged


def run():
    seed = int(os.environ.get("ASSAY_SEED", "1"))
    draw = random.Random(seed)
    common.figure(f"seed {seed}")
    ends, in_commit, begun = collections.Counter(), 0, time.monotonic()
    with common.Home() as home:
        books = transfers.begin(home, CLIENTS)
        home.start().stop()  # genesis and the first block
        total = 0
        for index in range(KILLS):
            kind = "calls" if index % 2 else "us"
            n = draw.randint(1, 120) if kind == "calls" else draw.randint(1, 300000)
            end, sent, acknowledged = kill_once(home, books, kind, n, index)
            total += sent
            in_commit += any("interrupted" in line for line in end)
            ends.update(end)
        node = home.start()
        books.all_there(node)
        node.stop()
        for text, times in sorted(ends.items()):
            common.figure(f"{times:3} times {text}")
        common.figure(f"{KILLS} kills, {in_commit} within a commit; {total} transfers sent, "
                      f"{len(books.acknowledged)} acknowledged, none of them lost "
                      f"({time.monotonic() - begun:.0f} s)")
        common.expect(in_commit >= LEAST_IN_COMMIT, "too few kills hit a commit")
        transfers.replay(home)


common.main(run)
