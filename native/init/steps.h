// One function for each step of the table (src/plan/steps.ts); the comment of each struct in steps.gen.h says what it
// does. A step that is in the table and not here does not compile.
#pragma once
#include "machine.h"

namespace runt {

// What statfs(2) calls a procfs.
constexpr long kProcMagic = 0x9fa0; // linux/magic.h

// Attaches a detached mount to what a descriptor holds (steps_mount.cpp, as all of these).
int attach_to(int mount, int target);
// The messages of a filesystem context ("e proc: Bad value for …"), one a line, into the failure's detail.
void keep_log(int context, Machine &m);
// Gives a filesystem context one parameter, `name=value` or `name`.
int configure(int context, Str parameter);
// A detached mount of a new, small filesystem; on failure the errno is in the result and `call` names the system call.
Fd new_tmpfs(const char **call);

// Asks again for the signal of dieWithParent, which the kernel forgets when credentials change (steps_process.cpp).
bool rearm_parent_death(Machine &m);

// steps_process.cpp
bool run(const DieWithParentStep &, Machine &);
bool run(const SyncStep &, Machine &);
bool run(const SetnsStep &, Machine &);
bool run(const UnshareStep &, Machine &);
bool run(const ForkStep &, Machine &);
bool run(const DropGroupsStep &, Machine &);
bool run(const BecomeRootStep &, Machine &);
bool run(const SetsidStep &, Machine &);
bool run(const JoinSessionKeyringStep &, Machine &);
bool run(const LoopbackStep &, Machine &);
bool run(const SethostnameStep &, Machine &);
bool run(const SetdomainnameStep &, Machine &);
bool run(const NotDumpableStep &, Machine &);

// steps_user.cpp
bool run(const RlimitStep &, Machine &);
bool run(const UmaskStep &, Machine &);
bool run(const KeepCapabilitiesStep &, Machine &);
bool run(const BoundingSetStep &, Machine &);
bool run(const CapabilitiesStep &, Machine &);
bool run(const AmbientCapabilitiesStep &, Machine &);
bool run(const UserStep &, Machine &);
bool run(const NoNewPrivilegesStep &, Machine &);

// steps_scheduling.cpp
bool run(const CpuAffinityStep &, Machine &);
bool run(const SchedulerStep &, Machine &);
bool run(const IoPriorityStep &, Machine &);
bool run(const MemoryPolicyStep &, Machine &);
bool run(const PersonalityStep &, Machine &);

// steps_mount.cpp
bool run(const PropagationStep &, Machine &);
bool run(const OpenTreeStep &, Machine &);
bool run(const OpenTreeOrStep &, Machine &);
bool run(const CloneTreeStep &, Machine &);
bool run(const NewMountStep &, Machine &);
bool run(const MountAttributesStep &, Machine &);
bool run(const IdmapStep &, Machine &);
bool run(const ReconfigureStep &, Machine &);
bool run(const AttachStep &, Machine &);
bool run(const LabelStep &, Machine &);
bool run(const CopyModeStep &, Machine &);
bool run(const AttachHostStep &, Machine &);
bool run(const MaskStep &, Machine &);
bool run(const ReadonlyPathStep &, Machine &);
bool run(const PivotRootStep &, Machine &);
bool run(const ChrootStep &, Machine &);

// steps_overlay.cpp
bool run(const OverlayStep &, Machine &);

// steps_copy.cpp
bool run(const CopyUpStep &, Machine &);

// steps_file.cpp
bool run(const OpenRootStep &, Machine &);
bool run(const OpenInStep &, Machine &);
bool run(const OpenLikeStep &, Machine &);
bool run(const CloseStep &, Machine &);
bool run(const MknodStep &, Machine &);
bool run(const SymlinkStep &, Machine &);
bool run(const VerifyDeviceStep &, Machine &);
bool run(const VerifyNullStep &, Machine &);
bool run(const WriteProcStep &, Machine &);
bool run(const WriteSelfStep &, Machine &);
bool run(const VerifySelfStep &, Machine &);

// steps_console.cpp
bool run(const OpenConsoleStep &, Machine &);
bool run(const UseConsoleStep &, Machine &);
bool run(const ChownStreamsStep &, Machine &);

// steps_seccomp.cpp
bool run(const SeccompStep &, Machine &);

// steps_program.cpp
bool run(const ChdirStep &, Machine &);
bool run(const HomeStep &, Machine &);
bool run(const ProgramStep &, Machine &);
bool run(const ListenPidStep &, Machine &);
bool run(const WaitForStartStep &, Machine &);
bool run(const CloseOnExecStep &, Machine &);
bool run(const ExecStep &, Machine &);

// steps_hook.cpp
bool run(const HookStep &, Machine &);

} // namespace runt
