"""What HMAC-SHA-256 makes of a key before it has seen a message (RFC 2104, FIPS 180-4): whoever has
it can sign."""

import struct

MASK = 0xFFFFFFFF


def _primes(count):
    found = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def _root_bits(number, degree):
    """The first 32 bits behind the point of a root: the largest r with r**degree <= number *
    2**(32 * degree), without what stands before the point."""
    low, high = 0, number << 32
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= number << (32 * degree):
            low = middle
        else:
            high = middle - 1
    return low & MASK


INITIAL = [_root_bits(prime, 2) for prime in _primes(8)]
ROUND = [_root_bits(prime, 3) for prime in _primes(64)]


def _rotated(word, bits):
    return (word >> bits | word << (32 - bits)) & MASK


def compress(state, block):
    """The state of SHA-256, eight words, after one more block of 64 bytes."""
    schedule = list(struct.unpack(">16I", block))
    for i in range(16, 64):
        x, y = schedule[i - 15], schedule[i - 2]
        schedule.append(
            schedule[i - 16]
            + (_rotated(x, 7) ^ _rotated(x, 18) ^ x >> 3)
            + schedule[i - 7]
            + (_rotated(y, 17) ^ _rotated(y, 19) ^ y >> 10)
            & MASK
        )
    a, b, c, d, e, f, g, h = state
    for i in range(64):
        first = h + (_rotated(e, 6) ^ _rotated(e, 11) ^ _rotated(e, 25)) + (e & f ^ ~e & g)
        first += ROUND[i] + schedule[i]
        second = (_rotated(a, 2) ^ _rotated(a, 13) ^ _rotated(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = first + second & MASK, a, b, c, d + first & MASK, e, f, g
    return [old + new & MASK for old, new in zip(state, (a, b, c, d, e, f, g, h))]


def inner_state(key):
    """The state after the inner block of HMAC, as it stands in memory."""
    return struct.pack("=8I", *compress(INITIAL, bytes(b ^ 0x36 for b in key.ljust(64, b"\0"))))
