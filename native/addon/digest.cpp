// sha256(text): SHA-256 as FIPS 180-4 defines it. A cryptography module of the engine would cost more to load than the
// rest of a command takes.
#include <array>

#include "binding.h"

namespace runt {

namespace {

constexpr size_t kBlock = 64;

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

using State = std::array<uint32_t, 8>;

// FIPS 180-4, 6.2.2.
void mix(State &state, const unsigned char *block) {
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

std::string hexadecimal(const State &state) {
  std::string text;
  for (uint32_t word : state)
    for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[word >> shift & 15];
  return text;
}

Napi::Value sha256(const Napi::CallbackInfo &info) {
  const std::string text = Arguments(info).text(0, "text");
  State state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const auto *data = reinterpret_cast<const unsigned char *>(text.data());
  size_t at = 0;
  for (; text.size() - at >= kBlock; at += kBlock) mix(state, data + at);

  // 5.1.1: a bit, zeros, and the length in bits, which may need a block of their own.
  unsigned char tail[2 * kBlock] = {};
  const size_t rest = text.size() - at;
  if (rest > 0) __builtin_memcpy(tail, data + at, rest);
  tail[rest] = 0x80;
  const size_t end = rest + 9 <= kBlock ? kBlock : 2 * kBlock;
  const uint64_t bits = uint64_t{text.size()} * 8;
  for (size_t i = 0; i < 8; i++) tail[end - 1 - i] = static_cast<unsigned char>(bits >> 8 * i);
  for (size_t i = 0; i < end; i += kBlock) mix(state, tail + i);
  return Napi::String::New(info.Env(), hexadecimal(state));
}

} // namespace

void bind_digest(Napi::Object exports) { bind<sha256>(exports, "sha256"); }

} // namespace runt
