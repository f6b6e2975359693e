"""Sound that can be recognised: made, written, read, and found again."""

import math
import random
import struct
import wave

RATE = 8000
STEP = RATE // 100  # of the outline
PLACES = 6
SLIP = RATE // 20
CERTAIN = 0.95


def chirps(seconds, seed):
    """Samples of 16 bits: tones that glide, with pauses of odd lengths."""
    rng, samples = random.Random(seed), []
    while len(samples) < seconds * RATE:
        n = int(rng.uniform(0.1, 0.4) * RATE)
        low, high = rng.uniform(300, 1500), rng.uniform(300, 3000)
        phase = 0.0
        for i in range(n):
            phase += 2 * math.pi * (low + (high - low) * i / n) / RATE
            samples.append(int(9000 * math.sin(phase) *
                               math.sin(math.pi * i / n)))
        samples += [0] * int(rng.uniform(0.02, 0.15) * RATE)
    return samples[:int(seconds * RATE)]


def write(path, samples):
    with wave.open(str(path), "wb") as f:
        f.setparams((1, 2, RATE, 0, "NONE", ""))
        f.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def read(path):
    with wave.open(str(path), "rb") as f:
        assert f.getsampwidth() == 2 and f.getframerate() == RATE, \
            f.getparams()
        data = f.readframes(f.getnframes())
        samples = struct.unpack(f"<{len(data) // 2}h", data)
        return list(samples[::f.getnchannels()])


def likeness(a, b):
    """Normalised correlation of two pieces of one length."""
    ab = sum(x * y for x, y in zip(a, b))
    return ab / math.sqrt((sum(x * x for x in a) or 1) *
                          (sum(y * y for y in b) or 1))


def outline(samples):
    """How loud it is, 100 times a second, around its mean."""
    rows = [sum(map(abs, samples[i:i + STEP]))
            for i in range(0, len(samples) - STEP + 1, STEP)]
    mean = sum(rows) / max(len(rows), 1)
    return [r - mean for r in rows]


def best_of(piece, within, first, last):
    """(likeness, place), sample by sample."""
    last = min(last, len(within) - len(piece))
    return max(((likeness(piece, within[k:k + len(piece)]), k)
                for k in range(max(first, 0), last + 1)), default=(0.0, 0))


def find(piece, within):
    """(likeness, place) of the best match: of where the outline is most alike,
    sample by sample."""
    small, large = outline(piece), outline(within)
    places = sorted(range(len(large) - len(small) + 1), reverse=True,
                    key=lambda k: likeness(small, large[k:k + len(small)]))
    best = (0.0, 0)
    for place in places[:PLACES]:
        best = max(best, best_of(piece, within, (place - 1) * STEP,
                                 (place + 1) * STEP))
        if best[0] > CERTAIN:
            break
    return best


def recognised(sent, heard, length=RATE * 3 // 10):
    """How much each piece of what was heard is like what was sent; those at
    the ends, which may be cut, aside. A phone may leave out or double a few
    milliseconds, so each is looked for around where it should be."""
    rows, offset = [], None
    for i in range(length, len(heard) - 2 * length, length):
        piece = heard[i:i + length]
        best = (0.0, 0)
        if offset is not None:
            best = best_of(piece, sent, i + offset - SLIP, i + offset + SLIP)
        if best[0] < CERTAIN:
            best = max(best, find(piece, sent))
        if best[0] >= CERTAIN:
            offset = best[1] - i
        rows.append(best[0])
    return rows
