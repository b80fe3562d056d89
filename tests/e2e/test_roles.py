#!/usr/bin/env python3
"""A market of real processes on one chain, and what becomes of it when they are killed.

Providers, watcher and consumers run MiniLM. In turn: jobs shared by two providers; a lie, whose
watcher is killed with -9 after each of its steps and still wins; a liar that falls silent in the
middle of a dispute and loses by the clock; meanwhile a provider killed with -9 before and after its
claim, which is paid what it earned; a consumer interrupted; two consumers at once; a liar that shows
its outputs to nobody; an honest provider that nobody can reach, killed after its claim. Every output
is compared with what `assay model run` computes, and at the end every coin is counted.
"""
import re
import signal
import subprocess
import sys
import time

import common
from common import ASSAY, ASY, ROOT, TESTS, expect, figure

sys.path.insert(0, str(ROOT / "tools"))
from demo import module_address  # noqa: E402

MODEL = common.BUILD / "models" / "all-MiniLM-L6-v2"
MODULES = ("bank", "fees", "stake", "work", "market", "job", "dispute")
PEOPLE = ("victor", "ada", "anna", "bruno", "carl", "dora", "wanda", "clara", "cleo", "chloe",
          "willy", "hilda")
FUND = 1000 * ASY
BOND = 200 * ASY
TURN_MS = 3000  # a fork's side has 16 of them
WINDOW_MS = 9000
NOWHERE = "http://127.0.0.1:9"  # where nobody serves
LINES = [f"sentence {i} of a text about {word} and about {other}" for i, (word, other) in enumerate(
    (word, other) for word in ("rivers", "trains", "bread", "winter", "paint", "ships", "bees", "glass")
    for other in ("money", "music", "rain", "letters", "engines", "gardens", "wolves", "salt"))]


class Market:
    def __init__(self, home):
        self.home = home
        self.address = {name: home.key(name) for name in PEOPLE}
        home.init(*(f"--fund={address}={FUND}" for address in self.address.values()),
                  f"--set=job.window_ms={WINDOW_MS}", f"--set=dispute.turn_ms={TURN_MS}")
        self.node = home.start()
        home.env["ASSAY_NODE"] = self.node.url
        shown = home.assay("model", "show", MODEL)
        self.max_units = int(shown["max_units"])
        home.assay("tx", "work", "register", "--program-file", MODEL / "program.bin", "--name",
                   "MiniLM", "--licence", "Apache-2.0", "--royalty-bps", 500, "--from", "ada")

    def role(self, name, *command):
        return self.home.background(name, *command, "--key", name, "--model", MODEL, "--threads", 1)

    def provide(self, name, price, liar=False, capacity=64, url=None):
        """A provider, or a liar; one with a URL shows nobody its outputs, and the liar not even when it
        is demanded."""
        command = [TESTS / "liar"] if liar else [ASSAY, "provide"]
        if liar and url:
            command = ["env", "LIAR_WITHHOLDS=1", *command]
        process = self.role(name, *command, "--price", price, "--bond", BOND, "--lock", BOND,
                            "--capacity", capacity * self.max_units, *(["--url", url] if url else []))
        process.wait_for(r"ask \d+")
        return process

    def watch(self):
        process = self.role("wanda", ASSAY, "watch", "--max-bond", 100 * ASY)
        process.wait_for("watching")
        return process

    def consume(self, name, lines, per_job=16):
        """Starts `assay job run`; received() waits for it."""
        text, out = self.home.folder / f"{name}.txt", self.home.folder / f"{name}.npy"
        text.write_text("".join(line + "\n" for line in lines))
        out.unlink(missing_ok=True)
        process = self.home.background(f"{name}", ASSAY, "job", "run", text, "--model", MODEL, "--from",
                                       name, "--out", out, "--per-job", per_job, "--max-price", 500,
                                       "--recheck", 1, "-o", "json")
        process.out, process.text = out, text
        return process

    def received(self, process, seconds=90):
        """What it received, which is what this machine computes itself, bit for bit."""
        code = process.wait(seconds)
        expect(code == 0, f"job run: exit code {code}: {process.log[-800:]}")
        own = process.out.with_suffix(".own.npy")
        self.home.assay("model", "run", MODEL, "--input", process.text, "--out", own)
        expect(process.out.read_bytes() == own.read_bytes(), "the output is not what was asked for")
        return [int(job) for job in re.findall(r'"job_id":"(\d+)"', process.log)]

    def job(self, job_id):
        return self.home.assay("query", "job", "job", job_id)

    def until(self, what, seconds=60):
        end = time.monotonic() + seconds
        while not what():
            expect(time.monotonic() < end, "it has not come about in time")
            time.sleep(0.05)

    def events(self, kind):
        """Every event of a kind so far, oldest first."""
        found = []
        for height in range(1, self.node.height() + 1):
            block = self.node.rpc("block_results", height=str(height))
            groups = [tx.get("events") or [] for tx in block.get("txs_results") or []]
            for events in groups + [block.get("finalize_block_events") or []]:
                for event in events:
                    if event["type"].rsplit(".", 1)[-1] == kind:
                        found.append({a["key"]: a["value"].strip('"') for a in event["attributes"]})
        return found

    def wealth(self, name):
        got = self.home.run("query", "stake", "operator", self.address[name], "-o", "json")
        bond = int(common.json.loads(got.stdout)["bond_nasy"]) if got.returncode == 0 else 0
        return self.node.balance(self.address[name]) + bond

    def slashed(self, name):
        return int(self.home.assay("query", "stake", "operator", self.address[name])["slashed_nasy"])

    def withdraw_ask(self, provider, name):
        """Closes the provider's ask for it, so that nothing is matched to it again."""
        ask = re.search(r"ask (\d+)", provider.log).group(1)
        self.home.assay("tx", "market", "cancel-ask", "--ask-id", ask, "--from", name)

    def count_coins(self):
        supply = self.home.assay("query", "bank", "supply", "nasy")
        total = int(supply["genesis"]) + int(supply["minted"]) - int(supply["burned"])
        held = sum(self.node.balance(a) for a in self.address.values())
        held += sum(self.node.balance(module_address(m)) for m in MODULES)
        expect(int(supply["genesis"]) == FUND * len(PEOPLE), "the genesis has another sum")
        expect(held == total, f"{held} nasy are held, {total} should be there")


def shared_jobs(market):
    """Jobs that are more than one provider has room for are shared, paid and right."""
    anna, bruno = market.provide("anna", 110, capacity=1), market.provide("bruno", 120, capacity=1)
    clara = market.consume("clara", LINES[:32])
    jobs = [market.job(job) for job in market.received(clara)]
    expect(all(job["state"] == "STATE_PAID" for job in jobs), "a job is not paid")
    winners = {job["provider"] for job in jobs}
    expect(winners == {market.address["anna"], market.address["bruno"]}, f"won by {winners}")
    for process in (anna, bruno):
        expect(process.stop() == 0 and "taken back" in process.log, "a provider stops untidily")
    figure(f"{len(jobs)} jobs shared by two providers, each vector as computed here")


def killed_watcher(market):
    """The watcher dies after its commit, after opening and in mid-moves, and wins all the same."""
    liar, honest = market.provide("dora", 90, liar=True), market.provide("anna", 110)
    wanda = market.watch()
    clara = market.consume("clara", LINES[:16])
    steps = ["sealed a challenge", "opened dispute", "entry .* is wrong", "is proved wrong"]
    for done in range(3):
        # A step may be on the ledger before a watcher that is killed has said so, and it may get
        # further before the signal reaches it: any later step will do, whoever said it.
        wanda.wait_for("|".join(steps[done:]), earlier=True)
        wanda.kill()
        wanda = market.watch()
    market.until(lambda: market.events("EventReward"))
    liar.stop()
    verdict, = market.events("EventVerdict")
    slashed = int(verdict["slashed_nasy"])
    expect(verdict["provider"] == market.address["dora"] and slashed > 0, "the liar was not slashed")
    expect(market.slashed("dora") == slashed, "the liar kept its coins")
    expect(market.received(clara), "no job")
    moves = [int(move["moves"]) for move in market.events("EventMove")]
    figure(f"watcher killed 3 times in one dispute of {max(moves)} moves: the liar lost {slashed} nasy")
    return wanda, honest


def silent_liar(market, wanda):
    """Starts a lie whose teller is killed when the dispute is under way; gives back the consumer."""
    seen = len(wanda.log)
    liar = market.provide("carl", 80, liar=True)
    clara = market.consume("clara", LINES[16:32])
    market.until(lambda: re.search("entry .* is wrong", wanda.log[seen:]))
    liar.kill()
    market.withdraw_ask(liar, "carl")
    return clara


def killed_provider(market, anna):
    """Dies with a job accepted, and again with it claimed: it is paid what it earned."""
    cleo = market.consume("cleo", LINES * 2, per_job=len(LINES) * 2)
    job_id = anna.wait_for(rf"job (\d+): accepted, {2 * len(LINES)} runs").group(1)
    anna.kill()
    expect(f"job {job_id}: claimed" not in anna.log, "killed too late")
    anna = market.provide("anna", 110)
    anna.wait_for(f"job {job_id}: claimed")
    before = market.wealth("anna")
    anna.kill()
    anna = market.provide("anna", 110)  # in time for its consumer, who would demand the outputs
    market.until(lambda: market.job(job_id)["state"] == "STATE_PAID")
    earned, fee = market.wealth("anna") - before, int(market.job(job_id)["fee_nasy"])
    expect(fee * 9 // 10 < earned < fee, f"earned {earned} of a fee of {fee}")
    expect(market.received(cleo) == [int(job_id)], "another job was paid")
    figure(f"provider killed before and after its claim: paid {earned} nasy of a fee of {fee}")
    return anna


def interrupted_consumer(market):
    """Ctrl-C is answered at once with 130, and nothing stands in the way of the next run."""
    cleo = market.consume("cleo", LINES[:8])
    cleo.wait_for("posted")
    cleo.process.send_signal(signal.SIGINT)
    expect(cleo.wait() == 130, f"exit code {cleo.process.returncode}")
    expect("goes on without you" in cleo.log and not cleo.out.exists(), cleo.log)
    both = [market.consume("cleo", LINES[8:24], per_job=8), market.consume("chloe", LINES[24:40])]
    jobs = [job for one in both for job in market.received(one)]
    expect(len(set(jobs)) == 3, f"jobs {jobs}")
    figure("a consumer interrupted, then two consumers at once: each got its own answers")


def withholding_liar(market, wanda):
    """Claims a wrong answer and shows it to nobody: what was claimed is demanded, and silence loses."""
    seen = len(wanda.log)
    willy = market.provide("willy", 70, liar=True, url=NOWHERE)
    clara = market.consume("clara", LINES[40:48], per_job=8)
    job_id = willy.wait_for(r"job (\d+): claimed").group(1)
    market.withdraw_ask(willy, "willy")
    market.until(lambda: re.search(rf"job {job_id}: demanded", wanda.log[seen:]))
    market.until(lambda: market.job(job_id)["state"] == "STATE_SLASHED")
    verdict = market.events("EventVerdict")[-1]
    expect((verdict["job_id"], verdict["fork_id"]) == (job_id, "0"), f"verdict {verdict}")
    expect(market.slashed("willy") == int(verdict["slashed_nasy"]) > 0, "the liar kept its coins")
    reward = market.events("EventReward")[-1]
    expect(reward["challenger"] == market.address["wanda"], f"rewarded: {reward}")
    paid, = market.received(clara)
    expect(market.job(paid)["provider"] == market.address["anna"], "answered by another")
    willy.stop()
    figure(f"a liar that showed nobody its outputs lost {verdict['slashed_nasy']} nasy; "
           f"{reward['reward_nasy']} of them went to who demanded them")


def unreachable_provider(market):
    """Claims a right answer that nobody can fetch, and is killed: it supplies what is demanded once it is
    back, and is paid for both."""
    hilda = market.provide("hilda", 85, url=NOWHERE)
    chloe = market.consume("chloe", LINES[48:56], per_job=8)
    job_id = hilda.wait_for(r"job (\d+): claimed").group(1)
    hilda.kill()
    before = market.wealth("hilda")
    hilda = market.provide("hilda", 85, url=NOWHERE)
    expect(market.received(chloe) == [int(job_id)], "another job was paid")
    supplied = [event for event in market.events("EventDemand")
                if event["job_id"] == job_id and event["state"] == "DEMAND_STATE_SUPPLIED"]
    expect(len(supplied) == 8, f"{len(supplied)} outputs were supplied")
    deposits, fee = sum(int(event["deposit_nasy"]) for event in supplied), int(market.job(job_id)["fee_nasy"])
    case = lambda: market.home.assay("query", "dispute", "case", job_id)["stage"]
    market.until(lambda: case() == "STAGE_OVER")
    earned = market.wealth("hilda") - before
    expect(fee * 9 // 10 < earned < fee + deposits, f"earned {earned} of {fee} and {deposits}")
    expect(hilda.stop() == 0, "a provider stops untidily")
    figure(f"8 outputs of a provider that nobody could reach were posted for {deposits} nasy; "
           f"it earned {earned} with a fee of {fee}")


def run():
    if not (MODEL / "program.bin").exists():
        subprocess.run([sys.executable, ROOT / "tools" / "fetch_minilm.py", MODEL], check=True)
    begun = time.monotonic()
    with common.Home() as home:
        market = Market(home)
        shared_jobs(market)
        wanda, anna = killed_watcher(market)
        clara = silent_liar(market, wanda)
        anna = killed_provider(market, anna)
        interrupted_consumer(market)
        market.until(lambda: len(market.events("EventVerdict")) == 2, seconds=90)
        verdict = market.events("EventVerdict")[1]
        expect(verdict["provider"] == market.address["carl"], "another provider was slashed")
        expect(any(move.get("timeout") == "true" for move in market.events("EventMove")),
               "nobody ran out of time")
        market.received(clara)
        withholding_liar(market, wanda)
        unreachable_provider(market)
        expect(wanda.stop() == 0 and anna.stop() == 0, "a role stops untidily")
        market.count_coins()
        figure(f"every coin of {len(PEOPLE)} people and {len(MODULES)} modules is accounted for")
        expect(market.node.stop() == 0, "the node stops untidily")
    figure(f"{time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    common.main(run)
