// SHA-256 as FIPS 180-4 defines it, of data that comes piece by piece.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace runt {

class Sha256 {
 public:
  void update(const void *data, size_t size);
  // The digest in hexadecimal; the object is then used up.
  std::string finish();

 private:
  static constexpr size_t kBlock = 64;

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, kBlock> rest_ = {};
  size_t pending_ = 0;
  uint64_t size_ = 0;
};

} // namespace runt
