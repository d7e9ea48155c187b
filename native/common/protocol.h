// The talk between the process that spawned init and init itself, and the way init is started.
// Both ends (native/addon/spawn.cpp, native/init) include this file; neither writes a number of its own.
//
// Start:   init is executed with arguments  "runt-init" SOCKET PLAN [INPUT ...]  (decimal descriptor numbers), an empty
//          environment, standard streams as they were, and no other descriptors but those the program is to inherit
//          (3 … 2 + preserve). PLAN is a memfd that holds the plan (wire.h). INPUTs fill registers 0, 1, …; where the
//          plan is timed, one more comes last: the file of times.
//
// Times:   a file of words of 64 bits, zeros at first, which init maps: nanoseconds of CLOCK_MONOTONIC at which the
//          first step began, and at which each of the steps had ended, and so the next one began. After a step
//          `seccomp` no more come: the filter may forbid to ask for the time.
//
// Socket:  AF_UNIX, SOCK_SEQPACKET; a packet is one Message and its bytes.
//
//   init                               other side
//   ----                               ----------
//   Reached{point}            ──►      does its part (id maps, hooks, pid file)
//                             ◄──      Proceed
//   Forked{pid}               ──►      the plan goes on in that process, a child of the other side
//   Descriptor{} + SCM_RIGHTS ──►      keeps it (console, …); the name stands in `subject`
//   Listener{number}          ──►      takes that descriptor out of init (pidfd_getfd(2)) and hands it on
//                             ◄──      Proceed
//   Failed{step, errno, …}    ──►      init exits with 1 after it
//   (end of file)             ──►      the program was executed, init waits for start, or init died
//
//   The other side's end of file, read by init at a sync point, makes init exit: an interrupted runt leaves no init.
//
// Fifos:   `start` (init waits for one byte) and `started` (nothing and end of file: the program was executed; a Failed
//          packet, at most PIPE_BUF bytes: it was not). init holds both open for reading and writing, close-on-exec:
//          a `start` fifo that nobody reads (ENXIO) belongs to a container that is not `created`.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace runt {

enum class MessageType : uint32_t {
  Reached = 1,
  Proceed = 2,
  Forked = 3,
  Descriptor = 4,
  Failed = 5,
  Listener = 6,
};

struct Message {
  uint32_t type;
  uint32_t value;          // Reached: the point; Forked: the pid; Failed: the step's index; Listener: the number
  int32_t error;           // Failed: errno, or 0 where init itself refuses
  uint32_t syscall_length; // Failed: length of the call's name, first of the bytes that follow
  uint32_t subject_length; // Failed: what the call was about (a path, an option); Descriptor: the name
  uint32_t detail_length;  // Failed: further facts: a mount context's log, the first bytes of an executable
};
static_assert(sizeof(Message) == 24);

// A message with its bytes is never larger; subjects and details are cut to fit. Below PIPE_BUF, so that a fifo takes
// it whole.
// The index in a Failed that is about no step: the plan could not be read.
constexpr uint32_t kNoStep = UINT32_MAX;
constexpr size_t kMaxMessage = 4096;
constexpr size_t kMaxDetail = 1024;

} // namespace runt
