// What the other side of a D-Bus connection says to runt: greeting, answers and signals, in any order and form.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <thread>

#include "common/engine.h"
#include "common/private.h"

void runt::fuzz::bind_functions(Napi::Object exports) { bind_systemd(exports); }

namespace {

using runt::fuzz::Engine;

constexpr char kPath[] = "/tmp/bus";
constexpr char kGreeting[] = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n";

int listening() {
  runt::fuzz::private_tmp();
  std::signal(SIGPIPE, SIG_IGN);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, kPath, sizeof kPath);
  if (::bind(socket, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0 || ::listen(socket, 8) != 0)
    runt::fuzz::give_up("listen");
  return socket;
}

// Says all that it has to say, whatever it hears, and then no more, until nobody listens.
void serve(int listener, const std::string &said) {
  const int peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (peer == -1) runt::fuzz::give_up("accept");
  size_t sent = 0;
  while (sent < said.size()) {
    const ssize_t size = ::send(peer, said.data() + sent, said.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) break;
    sent += static_cast<size_t>(size);
  }
  ::shutdown(peer, SHUT_WR);
  char heard[4096];
  while (::read(peer, heard, sizeof heard) > 0) {
  }
  ::close(peer);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int listener = listening();
  static Engine engine;
  if (size < 1) return 0;
  const uint8_t how = data[0];
  std::string said(reinterpret_cast<const char *>(data) + 1, size - 1);
  if ((how & 4) == 0) said.insert(0, kGreeting);
  std::thread server(serve, listener, std::cref(said));
  JSValue connection = engine.call("systemdOpen", {engine.string(std::string("unix:path=") + kPath),
                                                   engine.boolean((how & 8) == 0), engine.number(100)});
  if (!JS_IsUndefined(connection)) {
    JSValue answer;
    if ((how & 1) != 0) {
      answer = engine.call("systemdProperty", {connection, engine.string("ControlGroup"), engine.number(100)});
    } else {
      JSValue arguments = JS_NewArray(engine.context());
      JS_SetPropertyUint32(engine.context(), arguments, 0, engine.string("a.scope"));
      JS_SetPropertyUint32(engine.context(), arguments, 1, engine.string("replace"));
      answer = engine.call("systemdCall", {connection, engine.string("StopUnit"), engine.string("ss"), arguments,
                                           engine.boolean((how & 2) == 0), engine.number(100)});
    }
    engine.free({answer, engine.call("systemdClose", {connection})});
  }
  server.join();
  return 0;
}
