#include "sha256.h"

#include <algorithm>
#include <cstring>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace runt {

namespace {

using State = std::array<uint32_t, 8>;

constexpr uint32_t kConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

uint32_t rotate(uint32_t value, unsigned bits) { return value >> bits | value << (32 - bits); }

// FIPS 180-4, 6.2.2.
void mix_plainly(State &state, const unsigned char *block) {
  uint32_t w[64];
  for (size_t t = 0; t < 16; t++) {
    w[t] = uint32_t{block[4 * t]} << 24 | uint32_t{block[4 * t + 1]} << 16 | uint32_t{block[4 * t + 2]} << 8 |
           uint32_t{block[4 * t + 3]};
  }
  for (size_t t = 16; t < 64; t++) {
    const uint32_t low = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
    const uint32_t high = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = high + w[t - 7] + low + w[t - 16];
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (size_t t = 0; t < 64; t++) {
    const uint32_t choice = (e & f) ^ (~e & g);
    const uint32_t first = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + kConstants[t] + w[t];
    const uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    const uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority;
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const State added = {a, b, c, d, e, f, g, h};
  for (size_t i = 0; i < state.size(); i++) state[i] += added[i];
}

#if defined(__x86_64__)
// The same with the processor's own instructions, which are several times faster. The state is kept as they want it:
// words A, B, E, F in one register and C, D, G, H in the other.
__attribute__((target("sha,sse4.1"))) void mix_by_instructions(State &state, const unsigned char *data, size_t blocks) {
  const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  auto *words = reinterpret_cast<__m128i *>(state.data());
  __m128i first = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xb1);
  __m128i second = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1b);
  __m128i abef = _mm_alignr_epi8(first, second, 8);
  __m128i cdgh = _mm_blend_epi16(second, first, 0xf0);
  for (; blocks > 0; blocks--) {
    const __m128i abef_before = abef;
    const __m128i cdgh_before = cdgh;
    __m128i w[4];
    for (__m128i &four : w) {
      four = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(data)), order);
      data += 16;
    }
    for (size_t i = 0; i < 16; i++) {
      __m128i &now = w[i & 3];
      if (i >= 4) {
        const __m128i last = w[(i + 3) & 3];
        const __m128i sum =
            _mm_add_epi32(_mm_sha256msg1_epu32(now, w[(i + 1) & 3]), _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
        now = _mm_sha256msg2_epu32(sum, last);
      }
      const __m128i added = _mm_add_epi32(now, _mm_loadu_si128(reinterpret_cast<const __m128i *>(kConstants + 4 * i)));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, added);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(added, 0x0e));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  first = _mm_shuffle_epi32(abef, 0x1b);
  second = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(words, _mm_blend_epi16(first, second, 0xf0));
  _mm_storeu_si128(words + 1, _mm_alignr_epi8(second, first, 8));
}

bool has_instructions() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & 1U << 29) != 0;
}
#endif

void mix(State &state, const unsigned char *data, size_t blocks) {
#if defined(__x86_64__)
  static const bool instructions = has_instructions();
  if (instructions) {
    mix_by_instructions(state, data, blocks);
    return;
  }
#endif
  for (; blocks > 0; blocks--, data += 64) mix_plainly(state, data);
}

std::string hexadecimal(const State &state) {
  std::string text;
  for (uint32_t word : state)
    for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[word >> shift & 15];
  return text;
}

} // namespace

void Sha256::update(const void *data, size_t size) {
  const auto *at = static_cast<const unsigned char *>(data);
  size_ += size;
  if (pending_ > 0) {
    const size_t taken = std::min(size, kBlock - pending_);
    std::memcpy(rest_.data() + pending_, at, taken);
    pending_ += taken;
    at += taken;
    size -= taken;
    if (pending_ < kBlock) return;
    mix(state_, rest_.data(), 1);
    pending_ = 0;
  }
  const size_t blocks = size / kBlock;
  mix(state_, at, blocks);
  pending_ = size % kBlock;
  if (pending_ > 0) std::memcpy(rest_.data(), at + blocks * kBlock, pending_);
}

std::string Sha256::finish() {
  // 5.1.1: a bit, zeros, and the length in bits, which may need a block of their own.
  unsigned char tail[2 * kBlock] = {};
  if (pending_ > 0) std::memcpy(tail, rest_.data(), pending_);
  tail[pending_] = 0x80;
  const size_t end = pending_ + 9 <= kBlock ? kBlock : 2 * kBlock;
  const uint64_t bits = size_ * 8;
  for (size_t i = 0; i < 8; i++) tail[end - 1 - i] = static_cast<unsigned char>(bits >> 8 * i);
  mix(state_, tail, end / kBlock);
  return hexadecimal(state_);
}

} // namespace runt
