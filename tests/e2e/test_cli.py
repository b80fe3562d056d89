#!/usr/bin/env python3
"""The program as a user meets it: exit codes, help, where output goes, what an error names, how keys
lie on the disk. With a sanitizer build beside this one, commands run under it too."""
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import termios
import time

import common
import tiny_model
from common import ASSAY, ASY, ROOT, expect, figure

OK, FAILURE, USAGE, NOT_FOUND, UNREACHABLE, REJECTED, KEY, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 130
COMMANDS = ("init", "start", "keys", "tx", "query", "model", "job", "provide", "watch", "status",
            "version")
NOBODY = "http://127.0.0.1:1"
SANITIZED = ROOT / "build-asan" / "assay"
FUND = 1000 * ASY


class World:
    """One home with a node, keys and a model, for all tests."""

    def __init__(self, home):
        self.home = home
        self.address = {name: home.key(name) for name in ("alice", "bob", "poor")}
        made = self.good("init", "--rpc-address", "127.0.0.1:0", "--set", "job.window_ms=1000",
                         *(f"--fund={self.address[name]}={FUND}" for name in ("alice", "bob")))
        expect(made == {"chain_id": "assay-1", "home": str(home.path)}, made)
        self.node = home.start()
        self.model = home.folder / "tiny"
        home.assay("model", "import", tiny_model.write(home.folder / "source"), self.model)
        self.text = home.folder / "text.txt"
        self.text.write_text("a cab\nbig, bad\n")

    def good(self, *args):
        """The JSON of a command that must succeed."""
        done = self.home.run(*args, "-o", "json", node=getattr(self, "node", None))
        expect(done.returncode == OK, f"{args}: {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def send(self, *args):
        return ("tx", "bank", "send", "--to-address", self.address["bob"], *args)


def check(world, args, code, *texts, program=ASSAY, **env):
    """The command ends with the code, says all of the texts on stderr, and nothing on stdout."""
    done = world.home.run(*args, program=program, **{"ASSAY_NODE": world.node.url, **env})
    said = f"assay {' '.join(map(str, args))}: exit code {done.returncode}: {done.stderr[-900:]}"
    expect(done.returncode == code, f"{code} was expected: {said}")
    for text in texts:
        expect(text in done.stderr, f"{text!r} is not said: {said}")
    expect("Sanitizer" not in done.stderr, said)
    expect(done.stdout == "", f"a failure wrote to stdout: {done.stdout[:200]}")


def failures(world):
    """Command, exit code, what stderr says; then what the environment is."""
    home, folder, send = world.home.path, world.home.folder, world.send
    coins = ("--amount", "5nasy")
    return [
        # usage: each names what is wrong, and where to read more
        (("frob",), USAGE, "there is no command frob; assay help says more"),
        (("--frob",), USAGE, "there is no command --frob"),
        (("--home",), USAGE, "--home needs a value"),
        (("--home=", "version"), USAGE, "--home needs a value"),
        (("-o", "yaml", "version"), USAGE, "-o takes json or text, not yaml"),
        (("status", "--frob"), USAGE, "there is no option --frob; assay status --help says more"),
        (("status", "extra"), USAGE, "what is extra for?"),
        (("version", "-x"), USAGE, "there is no option -x; assay version --help"),
        (("start", "--frob=1"), USAGE, "there is no option --frob=1; assay start --help"),
        (("init", "--frob"), USAGE, "there is no option --frob; assay init --help"),
        (("init",), USAGE, "--operator, --fund or --fund-mnemonic"),
        (("init", "--fund", "bob=5"), USAGE, "--fund takes assay1...=NASY, not bob=5"),
        (("init", "--fund-mnemonic", "a b c"), USAGE, "not words of BIP-39"),
        (("init", "--set", "job.frob=1"), USAGE, "--set job.frob=1: names no parameter"),
        (("init", "--set", "job.window_ms=soon"), USAGE,
         "--set job.window_ms=soon: expects a whole number"),
        (("init", "--set", "frob"), USAGE, "--set takes MODULE.FIELD=N, not frob"),
        (("init", "--operator", "bob"), USAGE, "--operator takes an address, not bob"),
        (("init", "--moniker", 'a"b'), USAGE, '--moniker a"b: quotes and backslashes'),
        (("init", "--rpc-address", "here"), USAGE, "--rpc-address here: host:port"),
        (("keys", "frob"), USAGE, "keys has no verb frob; assay keys --help"),
        (("keys", "add"), USAGE, "add takes NAME"),
        (("keys", "show", "bob", "--frob"), USAGE, "there is no option --frob"),
        (("keys", "show", "bob", "alice"), USAGE, "what is alice for?"),
        (("keys", "remove", "bob"), USAGE, "add --yes"),
        (("keys", "add", "B/b"), USAGE, "a-z, 0-9, _ and -, not B/b"),
        (("tx", "frob"), USAGE, "no module frob takes transactions; assay tx --help"),
        (("tx", "bank", "frob"), USAGE, "there is no message frob in bank"),
        (send("--frob", "1"), USAGE, "--frob: unknown flag; assay tx bank send --help"),
        (send("--amount", "5", "--from", "alice"), USAGE, "--amount: expects a coin such as 1000nasy"),
        (send(*coins), USAGE, "say which key signs: --from NAME"),
        (send(*coins, "--from"), USAGE, "--from needs a value"),
        (send(*coins, "--from", "--memo", "x"), USAGE, "--from needs a value"),
        (send(*coins, "--from", "alice", "--gas", "much"), USAGE,
         "--gas takes a whole number from 1 to 9223372036854775807, not much"),
        (send(*coins, "--from", "alice", "--gas-price", "1asy"), USAGE, "0.025nasy, not 1asy"),
        (("tx", "market", "ask", "--price-nasy", "cheap"), USAGE,
         "--price-nasy: expects a whole number from 0 to 2^64 - 1"),
        (("query", "frob"), USAGE, "no module frob answers queries; assay query --help"),
        (("query", "job", "frob"), USAGE, "there is no query frob in job"),
        (("query", "job", "job", "seven"), USAGE,
         "--id: expects a whole number", "assay query job job --help"),
        (("query", "job", "job", "7", "8"), USAGE, "8: expected a flag"),
        (("model", "frob"), USAGE, "model has no verb frob; assay model --help"),
        (("model", "import", "here"), USAGE, "import takes FROM and DIR"),
        (("model", "run", world.model), USAGE, "--input FILE"),
        (("model", "run", world.model, "--input", world.text), USAGE, "--out FILE.npy"),
        (("model", "run", world.model, "--threads", "0"), USAGE,
         "--threads takes a whole number from 1 to 256, not 0"),
        (("job", "frob"), USAGE, "job has no verb frob; assay job --help"),
        (("job", "run", "--out", "x"), USAGE, "run takes a FILE of lines"),
        (("job", "run", "f", "--out", "x", "--per-job", "-1"), USAGE,
         "--per-job takes a whole number from 1 to 65536, not -1"),
        (("job", "run", "f", "--no-wait=yes", "--out", "x"), USAGE, "--no-wait takes no value"),
        (("provide", "--price", "cheap"), USAGE, "--price takes a whole number"),
        (("provide", "--threads", "4294967297"), USAGE, "--threads takes a whole number"),
        (("provide", "--key", "alice"), USAGE, "--model DIR"),
        (("provide", "--model", world.model), USAGE, "--key NAME"),
        (("provide", "--key", "alice", "--model", world.model, "--listen", "here"), USAGE,
         "--listen takes HOST:PORT, not here"),
        (("provide", "--key", "alice", "--model", world.model, "--listen", "0.0.0.0:0"), USAGE,
         "ASSAY_BLOB_KEY"),
        (("watch", "--max-bond", "all"), USAGE, "--max-bond takes a whole number"),
        (("status", "--node", "gopher://127.0.0.1"), USAGE, "gopher://127.0.0.1"),
        # failure
        (("keys", "add", "bob"), FAILURE, "there is a key bob already"),
        (("init", f"--fund={world.address['bob']}=1"), FAILURE, f"{home} holds a network already"),
        (("start",), FAILURE, f"{home}/data/chain is in use"),
        (("model", "import", folder / "source", world.model), FAILURE, "is there already"),
        (("tx", "work", "register", "--program-file", world.model / "..", "--from", "alice"), FAILURE,
         "--program-file", "cannot be read"),
        # not found
        (("keys", "show", "carl"), NOT_FOUND, f"there is no key carl in {home}/keys"),
        (send(*coins, "--from", "carl"), NOT_FOUND, "there is no key carl"),
        (send(*coins, "--from", "poor"), NOT_FOUND, world.address["poor"]),
        (("query", "job", "job", "99"), NOT_FOUND, "job job: key not found"),
        (("model", "show", folder / "none"), NOT_FOUND, "none/program.bin: No such file"),
        (("model", "ls", folder / "none"), NOT_FOUND, "cannot list", "No such file"),
        (("model", "run", world.model, "--input", "none.txt", "--out", "x"), NOT_FOUND, "none.txt"),
        (("job", "run", "none.txt", "--model", world.model, "--from", "alice", "--out", "x"), NOT_FOUND,
         "none.txt"),
        (("tx", "work", "register", "--program-file", "none.bin", "--from", "alice"), NOT_FOUND,
         "--program-file none.bin: No such file"),
        (("start", "--home", folder / "none"), NOT_FOUND, f"there is no network in {folder}/none"),
        # unreachable
        (("status", "--node", NOBODY), UNREACHABLE, NOBODY),
        (("query", "bank", "supply", "nasy", "--node", NOBODY), UNREACHABLE, NOBODY),
        (send(*coins, "--from", "alice", "--node", NOBODY), UNREACHABLE, NOBODY),
        (("watch", "--key", "alice", "--model", world.model, "--node", NOBODY), UNREACHABLE, NOBODY),
        # rejected
        (send("--amount", f"{2 * FUND}nasy", "--from", "alice"), REJECTED,
         "rejected: ", "is smaller than", "insufficient funds"),
        (("tx", "bank", "send", "--to-address", "bob", *coins, "--from", "alice"), REJECTED,
         "to_address is not an address"),
        (send(*coins, "--from", "alice", "--gas", "1"), REJECTED, "out of gas"),
        (send(*coins, "--from", "alice", "--gas", "100000", "--gas-price", "0nasy"), REJECTED,
         "insufficient fee"),
        # key
        (send(*coins, "--from", "alice"), KEY, "the passphrase does not open key alice",
         {"ASSAY_PASSPHRASE": "another"}),
        (("keys", "export", "alice"), KEY, "the passphrase does not open key alice",
         {"ASSAY_PASSPHRASE": ""}),
        (("keys", "export", "alice"), KEY, "passphrase from ASSAY_PASSPHRASE is too long",
         {"ASSAY_PASSPHRASE": "x" * 257}),
    ]


def exit_codes(world):
    cases, seen = failures(world), {OK}
    before = world.node.rpc("status")["sync_info"]
    for args, code, *texts in cases:
        env = texts.pop() if isinstance(texts[-1], dict) else {}
        check(world, args, code, *texts, **env)
        seen.add(code)
    after = world.node.rpc("status")["sync_info"]
    # Out of gas is decided in a block; nothing else of this may have made one.
    expect(int(after["latest_block_height"]) - int(before["latest_block_height"]) <= 1, after)
    expect(seen == set(range(7)), f"exit codes {seen}")
    figure(f"{len(cases)} failing commands: exit code, place and reason as they should be")


def without_passphrase(world):
    """No terminal to ask, or a file that is not there: said once, exit code 6."""
    env = {name: value for name, value in world.home.env.items() if name != "ASSAY_PASSPHRASE"}
    for more, text in (({}, "no terminal to ask for the passphrase"),
                       ({"ASSAY_PASSPHRASE_FILE": "/none"}, "cannot read /none")):
        done = subprocess.run([ASSAY, "keys", "export", "bob"], env={**env, **more}, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, start_new_session=True)
        expect(done.returncode == KEY and text in done.stderr, f"{done.returncode}: {done.stderr}")
        expect(done.stderr.count("\n") == 1, f"said twice: {done.stderr}")
    file = world.home.folder / "passphrase"
    file.write_text("of a test\nand more\n")
    done = subprocess.run([ASSAY, "keys", "export", "bob"], env={**env, "ASSAY_PASSPHRASE_FILE": file},
                          text=True, capture_output=True, start_new_session=True)
    expect(done.returncode == OK and len(done.stdout.split()) == 24, done.stderr)


def wrong_node_key(home):
    """A node with a key answers nobody without it."""
    alice, key = home.key("alice"), "0123456789abcdef"
    home.init(f"--fund={alice}=5")
    config = home.path / "config" / "config.toml"
    config.write_text(config.read_text().replace('key = ""', f'key = "{key}"'))
    node = home.start()
    expect(home.run("status", node=node).returncode == OK, "the home's own key is not used")
    done = home.run("status", node=node, ASSAY_RPC_KEY="fedcba9876543210")
    expect(done.returncode == KEY and "wrong or missing key" in done.stderr, done.stderr)


def on_terminal(command, env, until, keys):
    """Runs the command on a terminal, types keys once `until` was shown; exit code, what was shown and
    whether it left the terminal echoing."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], [str(word) for word in command], env)
    shown, typed, end = b"", False, time.monotonic() + common.READY_SECONDS
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
        if until and until in shown and not typed:
            typed = True
            echoed_then = termios.tcgetattr(terminal)[3] & termios.ECHO
            expect(not echoed_then, "a passphrase would be shown")
            os.write(terminal, keys)
    echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    os.close(terminal)  # which ends whoever still waits for it
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown.decode(), echoes


def terminals(world):
    if not os.path.exists("/dev/pts/ptmx"):
        figure("this system has no terminals (/dev/pts is not mounted): nothing typed on one")
        return
    env = {**world.home.env, "ASSAY_NODE": world.node.url}
    del env["ASSAY_PASSPHRASE"]
    export = [str(ASSAY), "keys", "export", "bob"]
    code, shown, echoes = on_terminal(export, env, b"Passphrase for bob: ", b"\x03")
    expect(code == INTERRUPTED and echoes, f"{code}, echo {echoes}: {shown}")
    code, shown, echoes = on_terminal(export, env, b"Passphrase for bob: ", b"of a test\n")
    expect(code == OK and echoes and "of a test" not in shown, f"{code}, echo {echoes}: {shown}")
    red, frob = "\x1b[31m", [str(ASSAY), "frob"]
    expect(red not in on_terminal(frob, env, None, b"")[1], "colour in spite of NO_COLOR")
    del env["NO_COLOR"]
    expect(red in on_terminal(frob, env, None, b"")[1], "no colour on a terminal")
    expect(red not in subprocess.run(frob, env=env, capture_output=True, text=True).stderr,
           "colour in a file")


def helped(world, *args):
    done = world.home.run(*args)
    expect(done.returncode == OK and done.stderr == "", f"{args}: {done.returncode} {done.stderr}")
    return done.stdout


def schema_fields(kind):
    """(module, name) of every transaction or query in docs/reference, with its fields."""
    found = {}
    for page in (ROOT / "docs" / "reference").glob("*.md"):
        for part in re.split(r"^## ", page.read_text(), flags=re.M)[1:]:
            command = re.search(rf"^{kind}.*?`assay (?:tx|query) (\S+) (\S+)`", part, flags=re.M)
            if command:
                signer = re.search(r"signed by `(\w+)`", part)
                names = re.findall(r"^\| \d+ \| `(\w+)`", part, flags=re.M)
                found[command.groups()] = [n for n in names if not signer or n != signer.group(1)]
    return found


def help_texts(world):
    """Every command, verb and message explains itself on stdout; messages list the schema's fields."""
    full = helped(world, "help")
    expect(helped(world, "--help") == full == helped(world, "-h"), "three forms of help")
    for command in COMMANDS:
        expect(re.search(rf"^  {command} ", full, flags=re.M), f"help leaves {command} out")
        text = helped(world, command, "--help")
        expect(text.startswith("usage: assay ") and f"assay {command}" in text, text[:200])
        expect(text == helped(world, "help", command) == helped(world, "-h", command), command)
    listed = re.findall(r"^  ([a-z]+) ", full, flags=re.M)
    expect(sorted(listed) == sorted(COMMANDS), f"help lists {listed}")
    count = 0
    for command, kind in (("tx", "Transaction"), ("query", "Query")):
        overview, messages = helped(world, command, "--help"), schema_fields(kind)
        expect(messages, f"no {kind} in docs/reference")
        for (module, name), fields in messages.items():
            expect(re.search(rf"^  {module} {name} ", overview, flags=re.M), f"{module} {name}")
            text = helped(world, command, module, name, "--help")
            expect(text.startswith(f"usage: assay {command} {module} {name} "), text[:100])
            for field in fields:
                expect(f"--{field.replace('_', '-')}" in text, f"{module} {name}: {field} is left out")
            count += 1
        listed = re.findall(r"^  (\S+) (\S+) ", overview, flags=re.M)
        expect(sorted(listed) == sorted(messages), f"{command} lists {set(listed) ^ set(messages)}")
    for bare in ((), ("tx",), ("query",), ("keys",), ("model",), ("job",)):
        check(world, bare, USAGE, "usage: assay ")
    figure(f"help of {len(COMMANDS)} commands and {count} messages, each field of the schema in it")


def amounts(value, name=""):
    """Every coin amount and 64-bit quantity in an answer is text, so that no reader rounds it."""
    if isinstance(value, dict):
        for key, member in value.items():
            amounts(member, key)
    elif isinstance(value, list):
        for member in value:
            amounts(member, name)
    elif name.endswith(("_nasy", "_ms", "units", "height")) or name in ("amount", "id", "job_id"):
        expect(isinstance(value, str), f"{name} is {value!r}")


def json_answers(world):
    """-o json gives one JSON value on stdout, whatever the command, and amounts in it are text."""
    home, good = world.home, world.good
    expect(good("version")["version"], "no version")
    expect(good("keys", "add", "zoe")["name"] == "zoe", "keys add")
    expect([key["name"] for key in good("keys", "list")] == ["alice", "bob", "poor", "zoe"], "list")
    expect(good("keys", "show", "zoe", "--address")["address"].startswith("assay1"), "show")
    words = good("keys", "export", "zoe")["words"]
    expect(good("keys", "remove", "zoe", "--yes") == {"removed": "zoe"}, "remove")
    again = subprocess.run([ASSAY, "keys", "add", "zoe", "--recover", "-o", "json"], env=home.env,
                           input=words + "\n", capture_output=True, text=True)
    expect(json.loads(again.stdout)["name"] == "zoe", again.stderr)
    shown = good("model", "show", world.model)
    expect(good("model", "id", world.model) == shown == good("model", "ls", home.folder)[0], "model")
    out = home.folder / "own.npy"
    expect(good("model", "run", world.model, "--input", world.text, "--out", out)["sentences"] == 2,
           "model run")
    sent = good(*world.send("--amount", "5nasy", "--from=alice", "--memo", 'a "memo"'))
    registered = good("tx", "work", "register", "--program-file", world.model / "program.bin",
                      "--name", "tiny", "--licence", "Apache-2.0", "--from", "alice")
    provider = home.background("provider", ASSAY, "provide", "--key", "bob", "--model", world.model,
                               "--threads", 1, "--capacity", 10**9, "--node", world.node.url)
    provider.wait_for(r"ask \d+")
    received = home.folder / "received.npy"
    jobs = good("job", "run", world.text, "--model", world.model, "--from", "alice", "--out", received)
    expect(received.read_bytes() == out.read_bytes(), "the market computes something else")
    expect(provider.stop() == OK, provider.log)
    answers = [good("status"), shown, sent, registered, jobs]
    alice, program = world.address["alice"], shown["program_id"]
    asked = {"bank supply": ["nasy"], "account": [alice], "balances": [alice],
             "balance": [alice, "--denom", "nasy"], "operator": [world.address["bob"]],
             "job": [jobs[0]["job_id"]], "program": [program], "work": [program], "params": []}
    for module, name in schema_fields("Query"):
        words = asked.get(f"{module} {name}", asked.get(name))
        done = home.run("query", module, name, *(words or []), "-o", "json", node=world.node)
        if done.returncode == OK:
            answers.append(json.loads(done.stdout))
        else:
            expect(words is None and done.stdout == "", f"{module} {name}: {done.stderr}")
    amounts(answers)
    expect(len(answers) > 20, f"only {len(answers)} answers")
    figure(f"{len(answers)} answers under -o json parse, amounts in them are text")


def files_of_keys(world):
    """Keys are 0600 in a 0700 folder whatever the umask, and wider ones are refused."""
    home = world.home
    old = os.umask(0)
    done = home.run("keys", "add", "dora", "--home", home.folder / "wide")
    os.umask(old)
    expect(done.returncode == OK, done.stderr)
    for folder in (home.folder / "wide" / "keys", home.path / "keys"):
        expect(stat.S_IMODE(folder.stat().st_mode) == 0o700, f"{folder} is {folder.stat().st_mode:o}")
        for file in folder.iterdir():
            expect(stat.S_IMODE(file.stat().st_mode) == 0o600, f"{file} is {file.stat().st_mode:o}")
    for name in ("config/validator.key", "config/config.toml"):
        expect(stat.S_IMODE((home.path / name).stat().st_mode) == 0o600, name)


def places(world):
    """--home and --node go before what the environment says, and stand anywhere."""
    elsewhere = world.home.folder / "wide"
    for args in (("--home", elsewhere, "keys", "show", "dora"), ("keys", "--home", elsewhere, "show",
                                                                "dora"),
                 ("keys", "show", "dora", f"--home={elsewhere}")):
        expect(world.home.run(*args).stdout.startswith("dora "), f"{args}")
    here = world.node.url.removeprefix("http://")
    for node in (world.node.url, here, f"tcp://{here}"):
        done = world.home.run("status", "--node", node, ASSAY_NODE=NOBODY)
        expect("chain_id: assay-1\n" in done.stdout, f"{node}: {done.stderr}")
    expect(world.home.run("keys", "show", "--", "bob").returncode == OK, "-- ends the options")


def interrupted(world):
    """SIGINT while a job waits for a taker is 130, and SIGTERM to a role or a node is a clean end."""
    job = world.home.background("job", ASSAY, "job", "run", world.text, "--model", world.model,
                                "--from", "alice", "--out", world.home.folder / "never.npy", "--node",
                                world.node.url)
    job.wait_for("posted")
    job.process.send_signal(signal.SIGINT)
    expect(job.wait() == INTERRUPTED, f"exit code {job.process.returncode}: {job.log}")


def sanitized(world):
    """The same commands under AddressSanitizer, UBSan and LeakSanitizer, where they are built."""
    if not SANITIZED.exists():
        return
    wanted = {"frob", "init", "model", "tx", "query", "keys", "status"}
    seen = set()
    for args, code, *texts in failures(world):
        kind = (args[0], code)
        if args[0] not in wanted or kind in seen or isinstance(texts[-1], dict):
            continue
        seen.add(kind)
        check(world, args, code, *texts, program=SANITIZED)
    for args in (("version",), ("keys", "list"), ("status",), ("query", "bank", "supply", "nasy"),
                 ("model", "show", world.model), ("help",), ("tx", "bank", "send", "--help"),
                 world.send("--amount", "5nasy", "--from", "alice"),
                 ("model", "run", world.model, "--input", world.text, "--out",
                  world.home.folder / "asan.npy"),
                 ("init", "--home", world.home.folder / "asan", "--fund",
                  f"{world.address['bob']}=1")):
        done = world.home.run(*args, node=world.node, program=SANITIZED)
        expect(done.returncode == OK and "Sanitizer" not in done.stderr,
               f"{args}: {done.returncode}: {done.stderr[-1500:]}")
    figure(f"{len(seen) + 10} commands leave nothing behind under the sanitizers")


def run():
    begun = time.monotonic()
    with common.Home("keyed") as home:
        wrong_node_key(home)
    with common.Home() as home:
        world = World(home)
        exit_codes(world)
        without_passphrase(world)
        terminals(world)
        help_texts(world)
        files_of_keys(world)
        places(world)
        json_answers(world)
        interrupted(world)
        sanitized(world)
        expect(world.node.stop() == OK and "stopped cleanly" in world.node.log, world.node.log)
    figure(f"{time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    common.main(run)
