// Starts a program as a child of this process, without ever running a copy of the JavaScript engine in it.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "fd.h"

namespace runt {

struct ChildProgram {
  // Either an open executable, or -1 and the absolute path of one.
  int executable = -1;
  std::string path;
  std::vector<std::string> args;
  std::vector<std::string> env;
  // Where it runs; empty: as this process.
  std::string directory;
  // What becomes standard input, output and error; -1: as in this process. Above 2.
  int streams[3] = {-1, -1, -1};
  // How many descriptors from 3 on the program gets besides.
  unsigned preserve = 0;
  // Further descriptors that it gets, above 2 + preserve.
  std::vector<int> keep;
  // CLONE_NEW*
  uint64_t clone_flags = 0;
  // Directory of a cgroup, or -1.
  int cgroup = -1;
  // Processors on which it starts; none: those of this thread.
  std::vector<int> cpus;
  // In a process group of its own, with which it can be killed; it does not outlive the calling thread.
  bool own_group = false;
};

struct StartedChild {
  pid_t pid;
  Fd pidfd;
};

// Returns when the child has executed the program. Throws SystemFailure of the call that failed in this process
// (`clone3`) or in the child (`execveat`, …), which then is gone without a trace.
StartedChild start_child(const ChildProgram &program);

} // namespace runt
