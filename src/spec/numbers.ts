/**
 * The specification's integers of 64 bits as bigints.
 *
 * JSON.parse makes doubles: an integer beyond 2^53 is rounded to one of at most 53 significant bits, and 2^64 - 1 becomes 2^64.
 * In config.json such numbers mean "no limit" or are flags and addresses with few significant bits, so that the rounded
 * value serves: it is only brought back into the range of its type.
 */

const maxUint64 = (1n << 64n) - 1n
const maxInt64 = (1n << 63n) - 1n
const minInt64 = -(1n << 63n)

/** A validated uint64 field; 2^64 is 2^64 - 1. @throws RangeError where it is no integer. */
export function uint64(value: number): bigint {
  const integer = BigInt(value)
  return integer > maxUint64 ? maxUint64 : integer < 0n ? 0n : integer
}

/** A validated int64 field; 2^63 is 2^63 - 1. @throws RangeError where it is no integer. */
export function int64(value: number): bigint {
  const integer = BigInt(value)
  return integer > maxInt64 ? maxInt64 : integer < minInt64 ? minInt64 : integer
}

/** RLIM_INFINITY of the kernel: 2^64 - 1. */
export const rlimInfinity = maxUint64

/**
 * A resource limit. Whatever is 2^63 or more is no limit: writers that hold limits in signed or floating-point numbers
 * mean RLIM_INFINITY by such values, and no limit of the kernel is that large.
 */
export function rlimitValue(value: number): bigint {
  return value >= 2 ** 63 ? rlimInfinity : uint64(value)
}
