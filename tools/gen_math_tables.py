#!/usr/bin/env python3
"""Writes src/tensor/math_tables.c: the constants behind the correctly rounded functions.

The functions are defined by their mathematics (docs/numerics.md), so these tables are one way to
compute them, not part of the specification. They need mpmath; run again only to change a method:
    tools/gen_math_tables.py > src/tensor/math_tables.c
"""
import struct

from mpmath import atan, cos, erf, ln, mp, mpf, pi, sin, sqrt, tanh

mp.prec = 400
INTERVALS = 16


def fit(f, low, high, degree, origin=None):
    """Interpolates f at the Chebyshev nodes of [low, high]; monomials in x - origin, which is the
    middle if not given."""
    centre, half, n = (low + high) / 2, (high - low) / 2, degree + 1
    origin = centre if origin is None else origin
    nodes = [centre - origin + half * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    divided = [f(origin + x) for x in nodes]
    for j in range(1, n):
        for i in range(n - 1, j - 1, -1):
            divided[i] = (divided[i] - divided[i - 1]) / (nodes[i] - nodes[i - j])
    poly = [mpf(0)]
    for i in range(n - 1, -1, -1):
        shifted = [mpf(0)] * (len(poly) + 1)
        for k, v in enumerate(poly):
            shifted[k + 1] += v
            shifted[k] -= nodes[i] * v
        shifted[0] += divided[i]
        poly = shifted
    return poly[:n]


def emit(name, values, kind="double"):
    """One C array; values are nested lists, innermost printed four to a line, four on one."""
    def dims(v):
        return f"[{len(v)}]" + (dims(v[0]) if isinstance(v[0], list) else "")

    def body(v, pad):
        if isinstance(v[0], list) and len(v[0]) == 4:
            return ",\n".join(f"{pad}{{{body(w, '')}}}" for w in v)
        if isinstance(v[0], list):
            return ",\n".join(f"{pad}{{\n{body(w, pad + '    ')}\n{pad}}}" for w in v)
        hexes = [float(x).hex() + "F" * (kind == "float") for x in v]
        return ",\n".join(pad + ", ".join(hexes[i:i + 4]) for i in range(0, len(hexes), 4))

    print(f"\nconst {kind} {name}{dims(values)} __attribute__((aligned(64))) = {{\n{body(values, '    ')}\n}};")


def emit_both_ways(name, columns, row_len):
    """columns[coefficient][interval] for lanes that permute registers, rows for those that load."""
    rows = [[c[i] for c in columns] + [mpf(0)] * (row_len - len(columns)) for i in range(INTERVALS)]
    emit(name + "_cols", columns)
    emit(name + "_rows", rows)


def odd(name, f, slope, width, degree):
    """f(x) / x on 16 equal intervals of [0, 16 width]; slope is its limit at 0."""
    width = mpf(width)
    quotient = lambda x: slope if abs(x) < mpf(2) ** -100 else f(x) / x
    polys = [fit(quotient, width * i, width * (i + 1), degree) for i in range(INTERVALS)]
    emit_both_ways(name, [[p[k] for p in polys] for k in range(degree + 1)], 16)


def erf_near(degree):
    """erf(x) / x for |x| <= 2, in x^2 - 2: no look-up, so the usual path when all lanes are there."""
    quotient = lambda z: 2 / sqrt(pi) if z < mpf(2) ** -60 else erf(sqrt(z)) / sqrt(z)
    emit("ay_erf_near", fit(quotient, mpf(0), mpf(4), degree))


def exponential():
    poly = fit(lambda x: mpf(2) ** x, mpf(-0.5), mpf(0.5), 11)
    emit("ay_exp_poly", [ln(mpf(2))] + poly[2:])
    scale = 1 / ln(mpf(2))
    high = mpf(float(scale))
    emit("ay_exp_scale", [high, scale - high])


def logarithm():
    """ln(m 2^e): m in [0.75, 1.5), 16 intervals by its bits, each with a short 1/centre."""
    edge = lambda i: mpf(struct.unpack("f", struct.pack("I", 0x3F400000 + (i << 19)))[0])
    grid = mpf(2) ** 42  # high parts are multiples of 2^-42, so that e ln2 + ln c is exact in them
    inverse, reach = [], mpf(0)
    for i in range(INTERVALS):
        low, high = edge(i), edge(i + 1)
        near_one = low <= 1 < high or high == 1
        inverse.append(mpf(1) if near_one else mpf(int(mp.nint(1024 / (low + high)))) / 512)
        reach = max(reach, abs(low * inverse[i] - 1), abs(high * inverse[i] - 1))
    logs = [-ln(v) for v in inverse]
    highs = [mp.nint(v * grid) / grid for v in logs]
    emit_both_ways("ay_log", [inverse, highs, [v - h for v, h in zip(logs, highs)]], 4)
    quotient = lambda r: mpf(1) if abs(r) < mpf(2) ** -90 else ln(1 + r) / r
    emit("ay_log_poly", fit(quotient, -reach, reach, 11)[1:])
    ln2 = mp.nint(ln(mpf(2)) * grid) / grid
    emit("ay_log_ln2", [ln2, ln(mpf(2)) - ln2])


def circular():
    """sin r = r (1 + z S(z)) and cos r = 1 - z / 2 + z^2 C(z) in z = r^2, r within pi / 4 and the
    little that a multiple chosen in binary64 may add; both series are short enough to sum."""
    def series(first):
        return lambda z: sum((-1) ** (k // 2) * z ** ((k - first) // 2) / mp.factorial(k)
                             for k in range(first, first + 40, 2))
    reach = (pi / 4 + mpf(2) ** -10) ** 2
    emit("ay_sin_poly", fit(lambda z: series(3)(z), mpf(0), reach, 5, mpf(0)))
    emit("ay_cos_poly", fit(lambda z: series(4)(z), mpf(0), reach, 5, mpf(0)))
    parts, rest = [], pi / 2
    for _ in range(3):
        parts.append(mpf(float(rest)))
        rest -= parts[-1]
    emit("ay_half_pi", parts)
    bits = int(mp.floor(2 / pi * mpf(2) ** 254))  # 2 / pi mod 4, so two bits before the point
    words = [f"0x{bits >> 64 * i & (1 << 64) - 1:016x}" for i in (3, 2, 1, 0)]
    print(f"\nconst uint64_t ay_two_over_pi[4] = {{\n    {', '.join(words)}\n}};")


def arc_tangent(degree):
    """atan(x) / x for |x| <= 1, in x^2 - 1/2."""
    quotient = lambda z: mpf(1) if z < mpf(2) ** -100 else atan(sqrt(z)) / sqrt(z)
    emit("ay_atan_poly", fit(quotient, mpf(0), mpf(1), degree))


def bits_of(x):
    return struct.unpack("I", struct.pack("f", float(x)))[0]


def single(x):
    """The nearest f32."""
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def pair(x):
    return [single(x), single(x - single(x))]


# The quick tables give the lower end of where a value lies.
EXP_DOUBT = mpf(2) ** -36 * 5 / 4
EXP_COARSE_DOUBT = mpf(2) ** -34 * 3 / 2
EXP_NEAR_DOUBT = mpf(2) ** -33 * 31 / 16
ERF_DOUBT = mpf(2) ** -35
ERF_FINE_DOUBT = mpf(2) ** -36
ERF_FINE_LAST = 505
ERF_FINE_BEND = 1 - mpf(2) ** -18  # of c in the second derivative


def quick_exponential(parts, degree, doubt, name):
    """2^(i / parts) and what is left of it, relative; (e^r - 1 - r) / r^2. The first are lowered by
    i of the parts of the exponent's last bit, which the multiple of ln 2 / parts brings back as it
    is added to their bits."""
    exact = [mpf(2) ** (mpf(i) / parts) for i in range(parts)]
    lowered = [struct.unpack("f", struct.pack("I", bits_of(x) - i * (1 << 23) // parts))[0]
               for i, x in enumerate(exact)]
    emit(name, [lowered, [single(x / single(x) - 1 - doubt) for x in exact]], "float")
    reach = ln(mpf(2)) / (2 * parts) * mpf("1.001")
    quotient = lambda r: mpf(1) / 2 + r / 6 if abs(r) < mpf(2) ** -60 else (mp.expm1(r) - r) / r ** 2
    high, low = pair(ln(mpf(2)) / parts)
    emit(name + "_ln2", [high, single(low * (1 + reach ** 2 / 4))], "float")
    emit(name + "_poly", [single(c) for c in fit(quotient, -reach, reach, degree)], "float")


def quick_erf(width, degree):
    """erf(c + t) in t around the multiples c of the width; the first three coefficients as pairs,
    which make up for the others being rounded."""
    width, columns = mpf(width), [[] for _ in range(degree + 4)]
    for i in range(32):
        c, ends = width * i, (width * i - width / 2, width * i + width / 2)
        high = [single(v) for v in fit(erf, *ends, degree)[3:]]
        rest = fit(lambda x: erf(x) - sum(v * (x - c) ** (k + 3) for k, v in enumerate(high)), *ends, 2)
        values = [v for p in map(pair, rest) for v in p] + high
        values[1] = single(rest[0] - values[0] - ERF_DOUBT)
        for column, v in zip(columns, values):
            column.append(v)
    emit("ay_erf_quick", columns, "float")


def fine_erf():
    """erf c and its slope as pairs, around the multiples c of 1 / 128. What its fourth derivative
    adds to a parabola is shared between erf c and the factor of c in the second."""
    width, rows = mpf(1) / 128, []
    for i in range(-ERF_FINE_LAST, ERF_FINE_LAST + 1):
        c, slope = width * i, 2 / sqrt(pi) * mp.exp(-(width * i) ** 2)
        left = [erf(c + t) - slope * t * (1 + t * (t * (2 * c * c - 1) / 3 - c * ERF_FINE_BEND))
                for t in (width * j / 16 for j in range(-8, 9))]
        middle = (max(left) + min(left)) / 2
        rows.append([single(middle), single(middle - single(middle) - ERF_FINE_DOUBT)] + pair(slope))
    emit("ay_erf_fine", rows, "float")


print("/* Written by tools/gen_math_tables.py; what each table is for stands in math_tables.h. */")
print("/* clang-format off */")
print('#include "tensor/math_tables.h"')
odd("ay_erf", erf, 2 / sqrt(pi), "0.25", 12)
erf_near(19)
odd("ay_tanh", tanh, mpf(1), "0.5703125", 15)
exponential()
logarithm()
circular()
arc_tangent(22)
quick_exponential(32, 2, EXP_DOUBT, "ay_exp_quick")
quick_exponential(16, 2, EXP_COARSE_DOUBT, "ay_exp_coarse")
quick_exponential(8, 3, EXP_NEAR_DOUBT, "ay_exp_near")
quick_erf("0.12548828125", 6)
fine_erf()
