// Steps on where and when the process runs: processors, scheduling, I/O priority, memory nodes, execution domain.
#include <linux/ioprio.h>

#include "../common/sched_attr.h"
#include "steps.h"

namespace runt {
namespace {

// A mask of numbers; `Bits` is the most that a kernel can be built for.
template <uint32_t Bits>
struct Mask {
  uint64_t words[Bits / 64] = {};

  // False at the first that is no number below `Bits`.
  bool add(Strs numbers) {
    const char *at = numbers.data;
    for (uint32_t i = 0; i < numbers.count; i++, at += length_of(at) + 1) {
      int64_t value = number_in(at, Bits - 1);
      if (value < 0) return false;
      words[value / 64] |= 1ULL << (value % 64);
    }
    return true;
  }
};

constexpr uint32_t kMaxCpus = 8192;  // NR_CPUS
constexpr uint32_t kMaxNodes = 1024; // MAX_NUMNODES

} // namespace

bool run(const CpuAffinityStep &s, Machine &m) {
  Mask<kMaxCpus> mask;
  if (s.cpus.count == 0) {
    // The kernel takes the intersection with the cpuset of the cgroup: sched_setaffinity(2).
    for (uint64_t &word : mask.words) word = ~0ULL;
    sys::sched_setaffinity(sizeof mask.words, mask.words);
    return true;
  }
  if (!mask.add(s.cpus)) return m.fail(EINVAL, "sched_setaffinity", "a processor that is no number of one");
  int result = sys::sched_setaffinity(sizeof mask.words, mask.words);
  return result >= 0 || m.fail(result, "sched_setaffinity");
}

bool run(const SchedulerStep &s, Machine &m) {
  const SchedAttr attributes = {sizeof attributes, s.policy,   s.flags,  s.nice, s.priority,
                                s.runtime,         s.deadline, s.period, 0,      0};
  int result = sys::sched_setattr(&attributes);
  return result == 0 || m.fail(result, "sched_setattr");
}

bool run(const IoPriorityStep &s, Machine &m) {
  int result = sys::ioprio_set(IOPRIO_WHO_PROCESS, 0, s.ioClass << IOPRIO_CLASS_SHIFT | s.priority);
  return result == 0 || m.fail(result, "ioprio_set");
}

bool run(const MemoryPolicyStep &s, Machine &m) {
  Mask<kMaxNodes> mask;
  if (!mask.add(s.nodes)) return m.fail(EINVAL, "set_mempolicy", "a memory node that is no number of one");
  // The kernel takes one bit less than it is told.
  int result =
      sys::set_mempolicy(s.mode, s.nodes.count == 0 ? nullptr : mask.words, s.nodes.count == 0 ? 0 : kMaxNodes + 1);
  return result == 0 || m.fail(result, "set_mempolicy");
}

bool run(const PersonalityStep &s, Machine &m) {
  int result = sys::personality(s.domain);
  return result >= 0 || m.fail(result, "personality");
}

} // namespace runt
