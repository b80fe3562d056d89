#!/usr/bin/env python3
"""An unmodified CosmJS on a real node: it connects, reads accounts and balances, sends with a fixed
and with a simulated fee, finds its transactions, tells refusals apart, hears events (cosmjs/client.mjs
says what it expects), and then cosmpy's REST calls are made and compared with the same chain."""
import base64
import json
import shutil
import subprocess
import urllib.error
import urllib.request

import common
from common import BUILD, ROOT, expect, figure

SOURCE = ROOT / "tests" / "e2e" / "cosmjs"
PLACE = BUILD / "cosmjs"
MNEMONIC = "abandon " * 11 + "about"
ALICE = "assay19rl4cm2hmr8afy4kldpxz3fka4jguq0aqyly38"
BOB = "assay1qyqszqgpqyqszqgpqyqszqgpqyqszqgpwhn8rw"
OPERATOR = "assay1qvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcr7r5rze"  # gets the fees, so that Alice does not
NOBODY = "assay1qgpqyqszqgpqyqszqgpqyqszqgpqyqszln4zgc"
COSMOS_BASE = "/cosmos/base/tendermint/v1beta1"


def own_node():
    """Whether the machine's Node.js is too old for CosmJS 0.39, as Debian 12's is."""
    said = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    version = tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2])
    return version < (20, 19)


def install():
    """The packages of the committed lock file, once for each lock file; gives back Node.js."""
    PLACE.mkdir(parents=True, exist_ok=True)
    lock = (SOURCE / "package-lock.json").read_text()
    own, done = own_node(), PLACE / "installed.json"
    for name in ("package.json", "package-lock.json", ".npmrc", "client.mjs"):
        shutil.copy(SOURCE / name, PLACE / name)
    if not done.exists() or done.read_text() != lock:
        subprocess.run(["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund",
                        *([] if own else ["--omit=optional"])],
                       cwd=PLACE, check=True, stdout=subprocess.DEVNULL)
        done.write_text(lock)
    packaged = sorted((PLACE / "node_modules").glob("node-linux-*/bin/node"))
    return packaged[0] if own and packaged else "node"


def run_cosmjs(node_js, url):
    done = subprocess.run([node_js, "client.mjs", url], cwd=PLACE, capture_output=True, text=True,
                          timeout=120)
    print(done.stdout, end="")
    expect(done.returncode == 0, f"client.mjs: {done.stderr}")


def refusal(node, path, data=None):
    """Status and JSON of a REST call that is refused."""
    try:
        urllib.request.urlopen(urllib.request.Request(node.url + path, data), timeout=30)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    raise AssertionError(f"{path} was not refused")


def post(node, path, value):
    request = urllib.request.Request(node.url + path, json.dumps(value).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def check_rest_reading(node):
    account = node.get(f"/cosmos/auth/v1beta1/accounts/{ALICE}")["account"]
    expect(account["@type"] == "/cosmos.auth.v1beta1.BaseAccount", account)
    expect(account["sequence"] == "5" and account["pub_key"]["key"], account)
    status, nobody = refusal(node, f"/cosmos/auth/v1beta1/accounts/{NOBODY}")
    expect(status == 404 and nobody["code"] == 5 and nobody["message"].endswith(" not found"), nobody)
    one = node.get(f"/cosmos/bank/v1beta1/balances/{BOB}/by_denom?denom=nasy")["balance"]
    every = node.get(f"/cosmos/bank/v1beta1/balances/{BOB}")["balances"]
    expect(every == [one] == [{"denom": "nasy", "amount": "1018"}], every)
    expect(node.get(f"/cosmos/bank/v1beta1/spendable_balances/{BOB}")["balances"] == every, every)
    latest = node.get(f"{COSMOS_BASE}/blocks/latest")
    height = latest["block"]["header"]["height"]
    expect(node.get(f"{COSMOS_BASE}/blocks/{height}") == latest, "a block is not itself")
    over_rpc = node.rpc("block", height=height)["block_id"]["hash"]
    expect(base64.b64decode(latest["block_id"]["hash"]).hex().upper() == over_rpc, over_rpc)
    info = node.get(f"{COSMOS_BASE}/node_info")
    expect(info["application_version"]["version"].startswith("v"), info)
    expect(info["default_node_info"]["network"] == latest["block"]["header"]["chain_id"], info)
    price = node.get("/cosmos/base/node/v1beta1/config")["minimum_gas_price"]
    expect(price == "0.025000000000000000nasy", price)
    expect("block" in node.get("/cosmos/consensus/v1/params")["params"], "no consensus parameters")
    status, missing = refusal(node, f"/cosmos/staking/v1beta1/delegations/{ALICE}")
    expect((status, missing["code"]) == (501, 12), missing)


def check_rest_transactions(node):
    found = node.rpc("tx_search", query=f"transfer.recipient='{BOB}'")["txs"][0]
    shown = node.get(f"/cosmos/tx/v1beta1/txs/{found['hash']}")
    response = shown["tx_response"]
    expect(response["txhash"] == found["hash"] and response["height"] == found["height"], response)
    expect(response["tx"]["@type"] == "/cosmos.tx.v1beta1.Tx", response)
    expect(response["events"] == found["tx_result"]["events"], response)
    message = shown["tx"]["body"]["messages"][0]
    expect(message["@type"] == "/cosmos.bank.v1beta1.MsgSend", message)
    expect(message["to_address"] == BOB and message["amount"][0]["amount"] == "1000", message)
    expect(shown["tx"]["body"]["memo"] == "hello é", shown)
    status, missing = refusal(node, f"/cosmos/tx/v1beta1/txs/{'0' * 64}")
    expect(status == 404 and "not found" in missing["message"], missing)
    # As cosmpy posts them: camelCase, and a transaction to simulate taken apart.
    again = post(node, "/cosmos/tx/v1beta1/txs",
                 {"txBytes": found["tx"], "mode": "BROADCAST_MODE_SYNC"})["tx_response"]
    expect(again["txhash"] == found["hash"] and again["code"] == 19, again)
    tx = shown["tx"]
    tx["auth_info"]["signer_infos"][0]["sequence"] = "5"
    gas = post(node, "/cosmos/tx/v1beta1/simulate", {"tx": tx})["gas_info"]["gas_used"]
    expect(int(gas) > 10000, gas)
    figure(f"over REST the same transfer is simulated at {gas} gas")
    status, wrong = refusal(node, "/cosmos/tx/v1beta1/txs", b'{"nonsense":1}')
    expect(status == 400 and "nonsense" in wrong["message"], wrong)


def run():
    node_js = install()
    with common.Home() as home:
        home.init("--chain-id", "assay-test-1", "--operator", OPERATOR, "--fund-mnemonic", MNEMONIC)
        node = home.start()
        run_cosmjs(node_js, node.url)
        check_rest_reading(node)
        check_rest_transactions(node)
        expect(node.stop() == 0, "the node did not stop cleanly")


if __name__ == "__main__":
    common.main(run)
