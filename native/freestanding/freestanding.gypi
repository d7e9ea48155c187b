# A static executable without libc: it starts at once and costs kilobytes.
{
  'cflags!': ['-fPIC', '-O2'],
  'cflags': [
    '-Os', '-ffreestanding', '-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-fno-unwind-tables', '-fno-pic', '-fno-pie',
    # Debian and Ubuntu turn these on by default; they need libc or a loader.
    '-U_FORTIFY_SOURCE', '-fcf-protection=none',
    # memcpy and memset are our own: their loops must not become calls of themselves.
    '-fno-tree-loop-distribute-patterns',
  ],
  'cflags_cc': ['-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics'],
  'ldflags': [
    '-static', '-nostdlib', '-nostartfiles', '-no-pie',
    '-Wl,--gc-sections', '-Wl,-z,noexecstack', '-Wl,-z,separate-code', '-Wl,--build-id=none',
  ],
  'conditions': [['target_arch!="x64"', { 'cflags!': ['-fcf-protection=none'] }]],
}
