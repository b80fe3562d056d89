#!/usr/bin/env python3
"""Durable transfers a second of a node, against the rate at which one thread of this machine checks
account signatures: clients send signed transfers by broadcast_tx_sync over HTTP on the same machine,
and what stands in committed blocks is counted, from the first transfer to the last block."""
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "e2e"))
import common  # noqa: E402
import transfers  # noqa: E402

ACCOUNTS = 64
CLIENTS = 4
COUNT = 20000


def committed(node, first):
    """Transfers in the blocks from `first` on, and how many blocks those are."""
    tip, found = node.height(), 0
    for height in range(first, tip + 1):
        block = node.rpc("block_results", height=str(height))
        found += sum(not tx["code"] for tx in block["txs_results"] or [])
    return found, tip - first + 1


def check_rate():
    done = subprocess.run([common.BUILD / "bench" / "sigcheck"], capture_output=True, text=True,
                          check=True)
    return float(done.stdout)


def run():
    with common.Home() as home:
        transfers.begin(home, ACCOUNTS)
        node = home.start()
        first = node.height() + 1
        load = home.background("load", common.TESTS / "load", "sync", node.url, CLIENTS, COUNT)
        load.wait_for("signed")
        begun = time.monotonic()
        common.expect(load.wait(300) == 0, load.log)
        while int(node.rpc("num_unconfirmed_txs")["total"]):
            time.sleep(0.01)
        seconds = time.monotonic() - begun
        found, blocks = committed(node, first)
        common.expect(found == COUNT, f"{found} of {COUNT} transfers are in blocks")
        common.expect(node.stop() == 0, node.log)
    rate, checks = COUNT / seconds, check_rate()
    common.figure(f"{COUNT} durable transfers in {blocks} blocks: {rate:,.0f} a second, through HTTP "
                  f"from {CLIENTS} clients on the same machine")
    common.figure(f"signature checks of one thread: {checks:,.0f} a second; ratio {rate / checks:.2f}")


common.main(run)
