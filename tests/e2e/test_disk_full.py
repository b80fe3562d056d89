#!/usr/bin/env python3
"""A node whose disk fills up (a limit on the size of its files) stops by itself, says why and ends with
exit code 1. Nothing that it had acknowledged is lost, and with room again it goes on."""
import resource

import common
import transfers

CLIENTS = 8
ROOM_BYTES = 256 << 10


def run():
    with common.Home() as home:
        books = transfers.begin(home, CLIENTS)
        home.start().stop()
        size = (home.path / "data" / "chain" / "data.mdb").stat().st_size
        limit = size + ROOM_BYTES
        node = home.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        lines = transfers.load(home, node, CLIENTS)
        code = node.wait()
        common.expect(code == 1, f"exit code {code}: {node.log}")
        common.expect("the node has stopped (disk is full)" in node.log, node.log)

        node = home.start()
        sent, acknowledged = books.settle(node, lines)
        common.expect(acknowledged > 0, "the disk was full before anything was acknowledged")
        books.compare(node)
        common.figure(f"{sent} transfers sent, {acknowledged} acknowledged when the disk was full, "
                      "none of them lost")
        books.settle(node, transfers.load(home, node, CLIENTS, seconds=1, name="load-again"))
        books.compare(node)
        books.all_there(node)
        common.figure(f"with room again: {len(books.acknowledged) - acknowledged} more")
        common.expect(len(books.acknowledged) > acknowledged, "the node does not go on")
        common.expect(node.stop() == 0, node.log)
        transfers.replay(home)


common.main(run)
