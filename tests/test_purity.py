#!/usr/bin/env python3
"""test_purity.py ARCHIVE...: what pure code calls of the world outside its archives is on this list
and no more: no heap, file, clock, locale, randomness, and no float (the compiler sees to that)."""
import re
import subprocess
import sys

ALLOWED = [
    # bytes
    r"mem(cpy|move|set|cmp|chr)", r"strlen", r"str(cmp|chr)",
    # texts for people: %s %u %llu %x alone, which read no locale
    r"v?snprintf",
    # what the compiler and the linker put there
    r"__(mem(cpy|move|set)|v?snprintf)_chk", r"__stack_chk_fail", r"_GLOBAL_OFFSET_TABLE_",
    r"__(u?div|u?mod|mul)ti3", r"__mulodi4",
    # the end of a broken process
    r"ay_panic",
    # hashes, signatures, addresses: functions of their arguments
    r"ay_sha256(_parts|_long)?", r"ay_ripemd160", r"ay_merkle_\w+",
    r"ay_tensor_(leaf|root|root_bind)",
    r"ay_smt_\w+", r"ay_secp256k1_(verify|check_pubkey)", r"ay_ed25519_verify", r"ay_address_\w+",
    # the specification of the numerics, through bytes
    r"ay_ref_\w+",
]
ALLOWED = re.compile("|".join(f"(?:{p})" for p in ALLOWED))


def symbols(archive):
    """(defined, undefined) of all members."""
    out = subprocess.run(["nm", "-P", archive], check=True, capture_output=True, text=True).stdout
    defined, undefined = set(), {}
    member = archive
    for line in out.splitlines():
        if line.endswith(":"):
            member = line[:-1]
            continue
        name, kind = line.split()[:2]
        if kind == "U":
            undefined.setdefault(name, member)
        elif kind.isupper():
            defined.add(name)
    return defined, undefined


def main(archives):
    inside, outside = set(), {}
    for archive in archives:
        defined, undefined = symbols(archive)
        inside |= defined
        outside = {**undefined, **outside}
    if not inside or not outside:
        sys.exit("test_purity.py: nm saw nothing")
    bad = {name: where for name, where in outside.items()
           if name not in inside and not ALLOWED.fullmatch(name)}
    for name, where in sorted(bad.items()):
        print(f"{where}: calls {name}, which is not pure")
    print(f"{len(archives)} archives, {len(inside)} symbols inside, {len(outside)} asked for, "
          f"{len(bad)} not pure")
    for name in ("malloc", "time", "fopen", "setlocale", "printf", "ay_sha256_begin"):
        assert not ALLOWED.fullmatch(name), name  # the list itself must be able to fail
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
