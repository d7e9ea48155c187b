// struct sched_attr of linux/sched/types.h, whose header collides with a C library's: size SCHED_ATTR_SIZE_VER1.
#pragma once
#include <stdint.h>

namespace runt {

struct SchedAttr {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t least_utilization, most_utilization;
};
static_assert(sizeof(SchedAttr) == 56);

} // namespace runt
