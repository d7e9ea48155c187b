// The size of a terminal's window.
#include <sys/ioctl.h>

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

} // namespace

void bind_terminal(Napi::Object exports) {
  bind<window_size>(exports, "windowSize");
  bind<set_window_size>(exports, "setWindowSize");
}

} // namespace runt
