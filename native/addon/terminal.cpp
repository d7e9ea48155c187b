// Terminals: the size of the window, and keys as they are typed.
#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "binding.h"

namespace runt {

namespace {

Napi::Value window_size(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  winsize size;
  if (::ioctl(args.fd(0, "terminal"), TIOCGWINSZ, &size) != 0) {
    // Not a terminal.
    if (errno == ENOTTY || errno == EINVAL) return info.Env().Undefined();
    fail("ioctl", "TIOCGWINSZ");
  }
  auto result = Napi::Object::New(info.Env());
  result.Set("rows", size.ws_row);
  result.Set("columns", size.ws_col);
  return result;
}

Napi::Value set_window_size(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  winsize size = {};
  const int terminal = args.fd(0, "terminal");
  size.ws_row = static_cast<unsigned short>(args.integer(1, "rows", 0, UINT16_MAX));
  size.ws_col = static_cast<unsigned short>(args.integer(2, "columns", 0, UINT16_MAX));
  if (::ioctl(terminal, TIOCSWINSZ, &size) != 0) fail("ioctl", "TIOCSWINSZ");
  return info.Env().Undefined();
}

// What standard input had before it gave keys.
std::optional<termios> lines;

// typedKeys(on): standard input gives keys at once and unseen, no lines; those that make signals still do. False if it
// is no terminal. typedKeys(false): as it was before.
Napi::Value typed_keys(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  if (!args.boolean(0, "on")) {
    if (lines) set_terminal_mode(*lines);
    lines.reset();
    return Napi::Boolean::New(info.Env(), false);
  }
  termios former;
  if (::tcgetattr(STDIN_FILENO, &former) != 0) return Napi::Boolean::New(info.Env(), false);
  termios mode = former;
  mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  if (retry([&] { return ::tcsetattr(STDIN_FILENO, TCSANOW, &mode); }) != 0) fail("tcsetattr", "standard input");
  if (!lines) lines = former;
  return Napi::Boolean::New(info.Env(), true);
}

} // namespace

void set_terminal_mode(const termios &mode) {
  // A process in the background may restore the terminal when SIGTTOU is blocked.
  sigset_t background, before;
  sigemptyset(&background);
  sigaddset(&background, SIGTTOU);
  ::pthread_sigmask(SIG_BLOCK, &background, &before);
  retry([&] { return ::tcsetattr(STDIN_FILENO, TCSANOW, &mode); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void bind_terminal(Napi::Object exports) {
  bind<window_size>(exports, "windowSize");
  bind<set_window_size>(exports, "setWindowSize");
  bind<typed_keys>(exports, "typedKeys");
}

} // namespace runt
