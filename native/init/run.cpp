// Checks a whole plan, then runs its steps one after the other.
#include <asm-generic/mman-common.h>

#include "steps.h"

namespace runt {
namespace {

struct Plan {
  PlanHeader header;
  const uint8_t *steps;
  const char *strings;
};

bool read_header(const uint8_t *bytes, size_t size, Plan &plan) {
  if (size < sizeof plan.header || size > kMaxPlan) return false;
  copy_bytes(&plan.header, bytes, sizeof plan.header);
  const PlanHeader &h = plan.header;
  if (h.magic != kPlanMagic || h.version != kPlanVersion || h.total != size) return false;
  if (sizeof h + static_cast<uint64_t>(h.steps_size) + h.strings_size != size) return false;
  if (h.registers > kMaxRegisters || h.inputs > h.registers || h.timed > 1) return false;
  plan.steps = bytes + sizeof h;
  plan.strings = reinterpret_cast<const char *>(plan.steps + h.steps_size);
  return true;
}

// Calls visit(op, decoder) for each record; stops and returns false at one whose header does not add up, or when visit
// says so.
template <class Visit>
bool each_step(const Plan &plan, uint32_t &index, Visit visit) {
  uint32_t at = 0, size = plan.header.steps_size;
  for (index = 0; at < size; index++) {
    StepHeader step;
    if (size - at < sizeof step) return false;
    copy_bytes(&step, plan.steps + at, sizeof step);
    if (step.op >= kOpCount || step.size != kStepSizes[step.op] || step.size > size - at) return false;
    Decoder decoder(plan.steps + at + sizeof step, step.size - sizeof step, plan.strings, plan.header.strings_size,
                    plan.header.registers);
    if (!visit(static_cast<Op>(step.op), decoder)) return false;
    at += step.size;
  }
  return index == plan.header.steps;
}

// When init came to each step, for whoever asks for that: protocol.h. Without a file nothing is noted.
class Times {
 public:
  // A file that is too short is left alone: what is written beyond its end would kill init.
  void open(Fd file, uint32_t steps) {
    const size_t size = (static_cast<size_t>(steps) + 1) * sizeof(uint64_t);
    struct statx status;
    if (sys::statx(file.get(), "", AT_EMPTY_PATH, &status) < 0 || status.stx_size < size) return;
    void *shared = sys::mmap(size, PROT_READ | PROT_WRITE, 0x01 /* MAP_SHARED */, file.get());
    if (!sys::is_error(shared)) next_ = static_cast<uint64_t *>(shared);
  }
  void note() {
    if (next_ != nullptr) *next_++ = sys::monotonic_ns();
  }
  void stop() { next_ = nullptr; }

 private:
  uint64_t *next_ = nullptr;
};

} // namespace

bool validate_plan(const uint8_t *bytes, size_t size, uint32_t *failed) {
  *failed = 0;
  Plan plan;
  if (!read_header(bytes, size, plan)) return false;
  return each_step(plan, *failed, [](Op op, Decoder &decoder) {
    return dispatch(op, decoder, [&](const auto &) { return decoder.done(); });
  });
}

int run_plan(const uint8_t *bytes, size_t size, const int *inputs, uint32_t input_count, int socket, unsigned mask) {
  Machine machine(socket, mask);
  uint32_t step = 0;
  if (!validate_plan(bytes, size, &step)) {
    machine.fail(EBADMSG, "plan", "malformed");
    machine.report(step);
    return 1;
  }
  Plan plan;
  read_header(bytes, size, plan);
  const PlanHeader &header = plan.header;
  const bool complete = input_count == header.inputs + header.timed;
  if (!complete || !machine.make_registers(header.registers)) {
    machine.fail(complete ? ENOMEM : EBADMSG, "plan", "inputs");
    machine.report(kNoStep);
    return 1;
  }
  for (uint32_t i = 0; i < header.inputs; i++) machine.fill_input(i, inputs[i]);
  Times times;
  if (header.timed != 0) times.open(Fd(inputs[header.inputs]), header.steps);
  times.note();
  bool done = each_step(plan, step, [&](Op op, Decoder &decoder) {
    if (!dispatch(op, decoder, [&](const auto &s) { return run(s, machine); })) return false;
    if (machine.talks_plainly()) times.stop();
    times.note();
    return true;
  });
  if (!done) machine.report(step);
  return done ? 0 : 1;
}

} // namespace runt
