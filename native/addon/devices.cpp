// setDeviceFilter(cgroup, program): the device controller of cgroup v2 is an eBPF program (cgroup-v2.rst, "Device
// controller").
#include <linux/bpf.h>
#include <sys/syscall.h>

#include <cstring>

#include "binding.h"
#include "fd.h"

namespace runt {

namespace {

constexpr size_t kLogSize = 64 << 10;
constexpr size_t kMaxPrograms = 64;
constexpr size_t kMaxInstructions = 1 << 20;

long bpf(int command, bpf_attr *attributes) {
  return retry([&] { return ::syscall(SYS_bpf, command, attributes, sizeof *attributes); });
}

bpf_attr empty() {
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  return attributes;
}

uint64_t address(const void *pointer) { return reinterpret_cast<uint64_t>(pointer); }

// The last line of the verifier that says something about the program itself.
std::string last_line(const std::string &log) {
  std::string best;
  for (size_t start = 0; start < log.size();) {
    size_t end = log.find('\n', start);
    if (end == std::string::npos) end = log.size();
    const std::string line = log.substr(start, end - start);
    if (!line.empty() && line.compare(0, 10, "processed ") != 0) best = line;
    start = end + 1;
  }
  return best;
}

Fd load(const Arguments::Bytes &program) {
  bpf_attr attributes = empty();
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = address(program.data);
  attributes.insn_cnt = static_cast<uint32_t>(program.size / sizeof(bpf_insn));
  attributes.license = address("Apache-2.0");
  std::strcpy(attributes.prog_name, "runt_devices");
  Fd fd(static_cast<int>(bpf(BPF_PROG_LOAD, &attributes)));
  if (fd.valid()) return fd;
  // Once more for the reason, which costs too much to ask for when all is well.
  const int error = errno;
  std::string log(kLogSize, '\0');
  attributes.log_level = 1;
  attributes.log_buf = address(log.data());
  attributes.log_size = kLogSize;
  fd.reset(static_cast<int>(bpf(BPF_PROG_LOAD, &attributes)));
  if (fd.valid()) return fd;
  log.resize(std::strlen(log.c_str()));
  const std::string reason = last_line(log);
  fail_with(error, "bpf", reason.empty() ? "BPF_PROG_LOAD" : "BPF_PROG_LOAD (" + reason + ")");
}

struct Attached {
  uint32_t flags;
  std::vector<uint32_t> ids;
};

Attached query(int cgroup) {
  Attached attached = {0, std::vector<uint32_t>(kMaxPrograms)};
  bpf_attr attributes = empty();
  attributes.query.target_fd = static_cast<uint32_t>(cgroup);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address(attached.ids.data());
  attributes.query.prog_cnt = kMaxPrograms;
  if (bpf(BPF_PROG_QUERY, &attributes) != 0) fail("bpf", "BPF_PROG_QUERY");
  attached.flags = attributes.query.attach_flags;
  attached.ids.resize(std::min<size_t>(attributes.query.prog_cnt, kMaxPrograms));
  return attached;
}

Fd open_program(uint32_t id) {
  bpf_attr attributes = empty();
  attributes.prog_id = id;
  Fd fd(static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, &attributes)));
  if (!fd.valid()) fail("bpf", "BPF_PROG_GET_FD_BY_ID");
  return fd;
}

void attach(int cgroup, const Fd &program, uint32_t flags, int replaced) {
  bpf_attr attributes = empty();
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = flags;
  if (replaced >= 0) attributes.replace_bpf_fd = static_cast<uint32_t>(replaced);
  if (bpf(BPF_PROG_ATTACH, &attributes) != 0) fail("bpf", "BPF_PROG_ATTACH");
}

void detach(int cgroup, const Fd &program) {
  bpf_attr attributes = empty();
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  if (bpf(BPF_PROG_DETACH, &attributes) != 0 && errno != ENOENT) fail("bpf", "BPF_PROG_DETACH");
}

// With BPF_F_ALLOW_MULTI a device must pass every program: there is no instant without a filter, and the earlier ones
// may go once the new one is there.
void put_in_place(int cgroup, const Fd &program) {
  const Attached before = query(cgroup);
  const bool several = before.ids.empty() || (before.flags & BPF_F_ALLOW_MULTI) != 0;
  if (!several) {
    // Attached without that flag: attaching in the same way replaces it.
    attach(cgroup, program, before.flags, -1);
    return;
  }
  if (before.ids.size() == 1) {
    attach(cgroup, program, BPF_F_ALLOW_MULTI | BPF_F_REPLACE, open_program(before.ids[0]).get());
    return;
  }
  attach(cgroup, program, BPF_F_ALLOW_MULTI, -1);
  for (uint32_t id : before.ids) detach(cgroup, open_program(id));
}

Napi::Value set_device_filter(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int cgroup = args.fd(0, "cgroup");
  const auto program = args.bytes(1, "program");
  if (program.size == 0 || program.size % sizeof(bpf_insn) != 0 || program.size / sizeof(bpf_insn) > kMaxInstructions) {
    args.refuse("program", "must hold whole instructions of 8 bytes");
  }
  put_in_place(cgroup, load(program));
  return info.Env().Undefined();
}

} // namespace

void bind_devices(Napi::Object exports) { bind<set_device_filter>(exports, "setDeviceFilter"); }

} // namespace runt
