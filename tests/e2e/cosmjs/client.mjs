// An unmodified CosmJS against a running node: client.mjs URL. Prints "| " lines; throws on a miss.
import assert from "node:assert/strict";
import { toBech32 } from "@cosmjs/encoding";
import { DirectSecp256k1HdWallet } from "@cosmjs/proto-signing";
import { GasPrice, SigningStargateClient, StargateClient,
         assertIsDeliverTxSuccess } from "@cosmjs/stargate";
import { Comet38Client, WebsocketClient } from "@cosmjs/tendermint-rpc";
import { TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx";

const url = process.argv[2];
const MNEMONIC = "abandon ".repeat(11) + "about";
const ALICE = "assay19rl4cm2hmr8afy4kldpxz3fka4jguq0aqyly38";
const BOB = "assay1qyqszqgpqyqszqgpqyqszqgpqyqszqgpwhn8rw";
const NOBODY = toBech32("assay", new Uint8Array(20).fill(2));
const GAS_PRICE = GasPrice.fromString("0.025nasy");
const nasy = (amount) => [{ denom: "nasy", amount: String(amount) }];
const fee = (gas) => ({ amount: nasy(Math.ceil(0.025 * gas)), gas: String(gas) });

const wallet = await DirectSecp256k1HdWallet.fromMnemonic(MNEMONIC, { prefix: "assay" });
const [account] = await wallet.getAccounts();
assert.equal(account.address, ALICE);

const reader = await StargateClient.connect(url);
const client = await SigningStargateClient.connectWithSigner(url, wallet, {
  gasPrice: GAS_PRICE, broadcastPollIntervalMs: 50,
});

// Reading, before anything was sent.
assert.match(await reader.getChainId(), /^assay-/);
assert.ok((await reader.getHeight()) >= 1);
const first = await reader.getAccount(ALICE);
assert.equal(first.pubkey, null);
assert.equal(first.sequence, 0);
assert.equal(await reader.getAccount(NOBODY), null);
assert.deepEqual(await reader.getBalance(NOBODY, "nasy"), nasy(0)[0]);
const before = BigInt((await reader.getBalance(ALICE, "nasy")).amount);
assert.deepEqual(await reader.getAllBalances(ALICE), nasy(before));

// A fixed fee.
const sent = await client.sendTokens(ALICE, BOB, nasy(1000), fee(200000), "hello é");
assertIsDeliverTxSuccess(sent);
assert.equal((await reader.getBalance(BOB, "nasy")).amount, "1000");
assert.equal(BigInt((await reader.getBalance(ALICE, "nasy")).amount), before - 1000n - 5000n);
assert.equal((await reader.getAccount(ALICE)).sequence, 1);
assert.equal((await reader.getAccount(ALICE)).pubkey.type, "tendermint/PubKeySecp256k1");
console.log(`| a transfer used ${sent.gasUsed} of ${sent.gasWanted} gas`);

// A fee from simulation.
const auto = await client.sendTokens(ALICE, BOB, nasy(7), "auto");
assertIsDeliverTxSuccess(auto);
assert.ok(auto.gasWanted > auto.gasUsed && auto.gasUsed > 0n);
console.log(`| "auto" asked for ${auto.gasWanted} gas, used ${auto.gasUsed}`);

// Finding transactions.
const found = await reader.getTx(sent.transactionHash);
assert.equal(found.height, sent.height);
assert.equal(found.code, 0);
assert.equal(found.msgResponses[0].typeUrl, "/cosmos.bank.v1beta1.MsgSendResponse");
assert.equal(await reader.getTx("00".repeat(32)), null);
const hashes = (txs) => txs.map((tx) => tx.hash).sort();
const both = hashes([found, { hash: auto.transactionHash }]);
assert.deepEqual(hashes(await reader.searchTx([{ key: "message.sender", value: ALICE }])), both);
assert.deepEqual(hashes(await reader.searchTx([{ key: "transfer.recipient", value: BOB }])), both);
assert.deepEqual(hashes(await reader.searchTx(`tx.height=${sent.height}`)), [found.hash]);
assert.deepEqual(hashes(await reader.searchTx(
  `transfer.recipient='${BOB}' AND tx.height>${sent.height}`)), [auto.transactionHash]);
assert.deepEqual(await reader.searchTx([{ key: "transfer.recipient", value: NOBODY }]), []);
const block = await reader.getBlock(sent.height);
assert.equal(block.header.height, sent.height);
assert.equal(block.txs.length, 1);

// Refusals, as clients tell them apart.
const chainId = await reader.getChainId();
const send = (amount) => [{ typeUrl: "/cosmos.bank.v1beta1.MsgSend",
                            value: { fromAddress: ALICE, toAddress: BOB, amount: nasy(amount) } }];
const raw = async (sequence, useFee, amount, chain = chainId) =>
  TxRaw.encode(await client.sign(ALICE, send(amount), useFee, "", {
    accountNumber: first.accountNumber, sequence, chainId: chain })).finish();
const refused = async (tx, code, text) => {
  const error = await client.broadcastTx(tx).then(() => null, (e) => e);
  assert.ok(error, `expected refusal ${code}`);
  assert.equal(error.codespace, "sdk");
  assert.equal(error.code, code, error.log);
  assert.match(error.log, text);
};
await refused(await raw(999, fee(200000), 1), 32,
              /account sequence mismatch, expected 2, got 999: incorrect account sequence/);
await refused(await raw(2, fee(200000), 1, "other-1"), 4, /signature verification failed/);
await refused(await raw(2, { amount: nasy(1), gas: "200000" }, 1), 13,
              /insufficient fees; got: 1nasy required: 5000nasy: insufficient fee/);
await refused(await raw(2, { amount: [], gas: "0" }, 1), 41, /invalid gas limit/);

// In a block the fee is kept and the sequence moves on, though the message fails.
const poor = await client.broadcastTx(await raw(2, fee(200000), before * 2n));
assert.equal(poor.code, 5);
assert.match(poor.rawLog, /failed to execute message; message index: 0: .*insufficient funds/);
assert.equal((await reader.getAccount(ALICE)).sequence, 3);
await assert.rejects(client.simulate(ALICE, send(before * 2n), ""), /insufficient funds/);

// The rest of CometBFT's interface, decoded by CosmJS.
const comet = await Comet38Client.connect(url);
const status = await comet.status();
assert.equal(status.nodeInfo.network, chainId);
assert.ok(status.syncInfo.latestAppHash.length === 32);
assert.equal((await comet.health()), null);
assert.equal((await comet.abciInfo()).lastBlockHeight, status.syncInfo.latestBlockHeight);
const results = await comet.blockResults(sent.height);
assert.equal(results.results.length, 1);
const chain = await comet.blockchain(1, sent.height);
assert.equal(chain.blockMetas.length, sent.height);
assert.equal((await comet.commit(sent.height)).canonical, true);
assert.equal((await comet.validatorsAll(sent.height)).total, 1);
assert.equal((await comet.genesis()).chainId, chainId);
assert.equal((await comet.numUnconfirmedTxs()).total, 0);
const tx = await comet.tx({ hash: Buffer.from(sent.transactionHash, "hex"), prove: true });
assert.deepEqual(tx.proof.rootHash, (await comet.block(sent.height)).block.header.dataHash);
assert.equal((await comet.blockSearchAll({ query: `block.height<=${sent.height}` })).totalCount,
             sent.height);
await assert.rejects(comet.block(999999),
  /height 999999 must be less than or equal to the current blockchain height/);
const again = await raw(3, fee(200000), 5);
const committed = await comet.broadcastTxCommit({ tx: again });
assert.equal(committed.deliverTx?.code ?? committed.txResult?.code, 0);
assert.ok(committed.height > sent.height);
await assert.rejects(comet.broadcastTxSync({ tx: again }), /tx already exists in cache/);

// Events over a websocket.
const socket = new WebsocketClient(url.replace("http", "ws"), (error) => { throw error; });
const live = await Comet38Client.create(socket);
const next = (stream) => new Promise((resolve, reject) => {
  const listener = { next: (value) => { stream.removeListener(listener); resolve(value); },
                     error: reject, complete: () => reject(new Error("ended")) };
  stream.addListener(listener);
});
const heard = Promise.all([next(live.subscribeTx()), next(live.subscribeNewBlockHeader()),
                           next(live.subscribeNewBlock())]);
await live.status(); // answered in order, so the subscriptions stand by now
const last = await comet.broadcastTxCommit({ tx: await raw(4, fee(200000), 6) });
const [event, header, newBlock] = await heard;
assert.equal(Buffer.from(event.hash).toString("hex"), Buffer.from(last.hash).toString("hex"));
assert.equal(event.height, last.height);
assert.equal(header.height, last.height);
assert.equal(newBlock.txs.length, 1);
console.log(`| ${last.height} blocks; every answer was read by CosmJS`);
process.exit(0); // its websocket connects again when told to disconnect
