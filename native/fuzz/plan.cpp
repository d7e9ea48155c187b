// The check of a plan that init makes before it runs any of it, with every field of every step read once more.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "../common/steps.gen.h"

namespace runt {
bool validate_plan(const uint8_t *bytes, size_t size, uint32_t *failed);
} // namespace runt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // Exactly as long as it is, so that a byte too far is found.
  const std::unique_ptr<uint8_t[]> plan(new uint8_t[size]);
  std::memcpy(plan.get(), data, size);
  runt::PlanHeader header;
  if (size >= sizeof header) {
    std::memcpy(&header, plan.get(), sizeof header);
    // What only says that it is a plan of this version is of no interest, and hard to guess.
    if (header.total % 8 != 0) {
      header.magic = runt::kPlanMagic;
      header.version = runt::kPlanVersion;
      header.total = static_cast<uint32_t>(size);
      header.registers %= 2 * runt::kMaxRegisters;
      header.steps_size = static_cast<uint32_t>(header.steps_size % (size - sizeof header + 1));
      header.strings_size = static_cast<uint32_t>(size - sizeof header - header.steps_size);
      std::memcpy(plan.get(), &header, sizeof header);
    }
  }
  uint32_t failed = 0;
  runt::validate_plan(plan.get(), size, &failed);
  return 0;
}
