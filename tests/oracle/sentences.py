"""Writes the hard sentences of the acceptance test: accents, CJK, emoji, odd spaces, code, long lines.

usage: sentences.py OUT.txt
"""
import random
import sys

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "",
    " ",
    "a",
    "Crème brûlée, naïve façade; coöperate — Ångström, Đà Nẵng, ŁÓDŹ, İstanbul, ẞtraße, ﬁne",
    "A\u0301 decomposed e\u0301 accent, o\u0308 and \u1e69 versus s\u0323\u0307",
    "日本語のテキストと中文字符混合 with English 한국어 텍스트",
    "你好，世界！𠀀𪚥 豈更車 ㍿ ㋿",
    "👩‍👩‍👧‍👦 family 🏳️‍🌈 flags 🇯🇵🇫🇷 and 👍🏽 skin tones 🤷🏻‍♀️",
    "odd\u00a0spaces\u2003em\u2009thin\u200bzero\u3000ideographic\ttab\u2028line\u2029par\u0085nel\u180e\ufeff",
    "controls \x01\x02\x7f\x9f between \x0bwords\x0c and \r carriage",
    "for (int i = 0; i < n; i++) { sum += a[i] * b[i]; } // dot product",
    "def f(x): return {k: v for k, v in x.items() if v is not None}  # comment",
    "SELECT * FROM users WHERE name LIKE '%o''Brien%' AND id >= 42;",
    "https://example.org/path?query=string&other=%20#fragment user@example.com",
    "x" * 99 + " " + "y" * 100 + " " + "z" * 101,
    "supercalifragilisticexpialidocious antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "[CLS] literal [SEP] specials [MASK] [PAD] [UNK] [cls] [ SEP ]",
    "مرحبا بالعالم שלום עולם नमस्ते दुनिया สวัสดีชาวโลก Привет, мир! Γειά σου Κόσμε ΣΊΣΥΦΟΣ",
    "ÅÄÖ åäö ñ Ñ ü Ü ß ø Ø æ Æ œ Œ ĳ ǆ ŉ ſ K Å Ω",
    "½ ² ³ ™ © ® € £ ¥ § ¶ † ‡ • … ‰ ′ ″ ‹ › ⁄ ℃ № ← → ⇒ ∀ ∂ ∑ ∞ ≈ ≠ ≤",
    "$100 + 5% = ? ~`!@#$%^&*()_+-={}|[]\\:\";'<>?,./ ¡¿«»„“”‘’–—",
    "don't can't won't it's o'clock rock'n'roll",
    "1234567890 3.14159 1,000,000 0xDEADBEEF 1e-12 v1.2.3-rc4",
    "\ufffd replacement \ue000 private \U000f0000 plane",
    "ᄒ\u1161\u11ab 각 \uac00\u11a8 jamo; \u0390 \u03b0 \u1f82 \u1fb4 \u212b \u2126",
    "𝕳𝖊𝖑𝖑𝖔 𝓌𝑜𝓇𝓁𝒹 ｆｕｌｌｗｉｄｔｈ ＡＢＣ ①②③ ﷽",
]
WORDS = ("system library package tool the of and for with network data file support python kernel "
         "interface development compression naïve Zürich 数据 parser(x) co-operate C++ lib32 foo_bar").split()


def lines():
    rng = random.Random(7)
    return SENTENCES + [" ".join(rng.choice(WORDS) for _ in range(n))
                        for n in (400, 400, 250, 120, 60, 30)]


def main():
    with open(sys.argv[1], "w", encoding="utf-8", newline="") as f:
        f.write("\n".join(lines()) + "\n")


if __name__ == "__main__":
    main()
