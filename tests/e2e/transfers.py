"""Transfers of many clients (tests/load.c), and the books that say what must have come of them."""
import base64
import subprocess

import common

COINS = 10**15  # of each client at first
FEE = 2500  # of each transfer


class Books:
    """What was sent and acknowledged, and what of it the chain has."""

    def __init__(self, addresses):
        self.balance = {address: COINS for address in addresses}
        self.sequence = dict.fromkeys(addresses, 0)
        self.acknowledged = []

    def settle(self, node, lines):
        """Books one round's transfers by what the restarted node says of them."""
        sent, acknowledged = {}, {}
        for line in lines:
            word, *rest = line.split()
            if word == "S":
                sent[rest[0]] = rest[1:]
            elif len(rest) == 2:  # else cut short with its writer
                acknowledged[rest[0]] = int(rest[1])
        for tx, (source, target, amount) in sent.items():
            height = find(node, tx)
            if tx in acknowledged:
                common.expect(height == acknowledged[tx],
                              f"{tx} was acknowledged in block {acknowledged[tx]}, found in {height}")
            if height:
                self.balance[source] -= int(amount) + FEE
                self.balance[target] += int(amount)
                self.sequence[source] += 1
        self.acknowledged += acknowledged.items()
        return len(sent), len(acknowledged)

    def all_there(self, node):
        """Everything ever acknowledged is still in its block."""
        for tx, height in self.acknowledged:
            common.expect(find(node, tx) == height, f"{tx} is not in block {height} any more")

    def compare(self, node):
        """Balances, sequences and the tip's hash."""
        tip = node.rpc("status")["sync_info"]
        common.expect(int(tip["latest_app_hash"], 16), "the last app hash is zero")
        for address, balance in self.balance.items():
            account = node.get(f"/cosmos/auth/v1beta1/accounts/{address}")["account"]
            got = node.balance(address), int(account["sequence"])
            want = balance, self.sequence[address]
            common.expect(got == want, f"{address}: balance and sequence {got}, expected {want}")


def find(node, tx):
    """Height of the transaction, 0 when no block has it."""
    try:
        return int(node.rpc("tx", hash=base64.b64encode(bytes.fromhex(tx)).decode())["height"])
    except common.RpcError as error:
        common.expect("not found" in str(error), error)
        return 0


def addresses(count):
    return subprocess.run([common.TESTS / "load", "--addresses", str(count)], text=True,
                          capture_output=True, check=True).stdout.split()


def begin(home, clients, *more):
    """A network whose clients have coins; gives back their books."""
    names = addresses(clients)
    home.init(f"--operator={home.key('operator')}", *(f"--fund={a}={COINS}" for a in names), *more)
    return Books(names)


def load(home, node, clients, seconds=60, name="load"):
    """Transfers until the time is over or the node is gone; lines of what was sent and acknowledged."""
    clients = home.background(name, common.TESTS / "load", "commit", node.url, clients, seconds)
    common.expect(clients.wait(90) == 0, f"load: {clients.log[-600:]}")
    return [line for line in clients.log.splitlines() if line[:2] in ("S ", "A ")]


def replay(home):
    """Executes the stopped node's blocks again."""
    done = subprocess.run([common.TESTS / "replay", home.path], capture_output=True, text=True)
    common.expect(done.returncode == 0, done.stdout + done.stderr)
    common.figure(f"replayed: {done.stdout.strip()}")
