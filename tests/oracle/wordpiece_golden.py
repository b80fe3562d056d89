"""Makes tests/golden/wordpiece by the `tokenizers` library: a vocabulary cut down to what the
sentences need, and each sentence with its ids.

usage: wordpiece_golden.py MODEL_DIR OUT_DIR
cases.txt has two lines a case: the text with \\n as it is never in a sentence, then the ids.
"""
import random
import sys
from pathlib import Path

from tokenizers import BertWordPieceTokenizer

from bert_numpy import load_tokenizer
from sentences import lines

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
POOLS = [range(0x20, 0x7f), range(0x20, 0x7f), range(0xa0, 0x250), range(0x300, 0x370),
         range(0x370, 0x400), range(0x4e00, 0x4e30), range(0xac00, 0xac30), range(0x1f600, 0x1f640),
         range(0x2000, 0x2070)]


def random_lines(count):
    rng = random.Random(11)
    return ["".join(chr(rng.choice(rng.choice(POOLS))) for _ in range(rng.choice([4, 20, 80])))
            for _ in range(count)]


def main():
    model, out = Path(sys.argv[1]), Path(sys.argv[2])
    texts = lines() + random_lines(300)
    full = load_tokenizer(model, 1 << 20)
    # Rare tokens are left out now and then, so that words fall into smaller pieces or are unknown.
    used = sorted({token for text in texts for token in full.encode(text).tokens} - set(SPECIALS))
    letters = [c for c in "abcdefghijklmnopqrstuvwxyz0123456789"]
    vocabulary = SPECIALS + sorted({t for i, t in enumerate(used) if i % 5} | set(letters)
                                   | {"##" + c for c in letters})
    out.mkdir(parents=True, exist_ok=True)
    (out / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8", newline="")
    tokenizer = BertWordPieceTokenizer(str(out / "vocab.txt"), lowercase=True)
    tokenizer.add_special_tokens(SPECIALS)
    tokenizer.enable_truncation(256)
    with open(out / "cases.txt", "w", encoding="utf-8", newline="") as f:
        for text in texts:
            f.write(text + "\n" + " ".join(map(str, tokenizer.encode(text).ids)) + "\n")


if __name__ == "__main__":
    main()
