// The other side's part of the talk with init: native/common/protocol.h. What init sends is checked like any other
// input.
#include <sys/socket.h>
#include <sys/wait.h>

#include "../common/protocol.h"
#include "binding.h"
#include "fd.h"

namespace runt {

namespace {

constexpr size_t kMaxDescriptors = 4;

// A message that breaks the protocol.
[[noreturn]] void refuse(const char *why) { fail_with(EBADMSG, "recvmsg", why); }

// The packet as an InitMessage of src/host/host.ts; takes `descriptor` over when the message is about one.
Napi::Value decode(Napi::Env env, const char *data, size_t size, Fd descriptor) {
  Message message;
  if (size < sizeof message) refuse("message of init: too short");
  __builtin_memcpy(&message, data, sizeof message);
  const uint64_t stated =
      uint64_t{message.syscall_length} + uint64_t{message.subject_length} + uint64_t{message.detail_length};
  if (size > kMaxMessage || stated != size - sizeof message) refuse("message of init: wrong length");
  const char *syscall = data + sizeof message;
  const char *subject = syscall + message.syscall_length;
  const char *detail = subject + message.subject_length;

  auto type = static_cast<MessageType>(message.type);
  if (descriptor.valid() != (type == MessageType::Descriptor)) refuse("message of init: descriptor");
  auto result = Napi::Object::New(env);
  switch (type) {
    case MessageType::Reached:
      result.Set("type", "reached");
      result.Set("point", message.value);
      return result;
    case MessageType::Forked:
      if (message.value == 0 || message.value > INT32_MAX) refuse("message of init: pid");
      result.Set("type", "forked");
      result.Set("pid", message.value);
      return result;
    case MessageType::Descriptor:
      result.Set("type", "descriptor");
      result.Set("name", Napi::String::New(env, subject, message.subject_length));
      result.Set("fd", descriptor.get());
      descriptor.release();
      return result;
    case MessageType::Listener:
      if (message.value > INT32_MAX) refuse("message of init: descriptor");
      result.Set("type", "listener");
      result.Set("number", message.value);
      return result;
    case MessageType::Failed:
      result.Set("type", "failed");
      result.Set("step", message.value);
      result.Set("errno", message.error);
      result.Set("syscall", Napi::String::New(env, syscall, message.syscall_length));
      result.Set("subject", Napi::String::New(env, subject, message.subject_length));
      result.Set("detail", bytes_of(env, detail, message.detail_length));
      return result;
    case MessageType::Proceed:
      break;
  }
  refuse("message of init: unknown type");
}

// Takes over every descriptor that came along; more than one is a broken protocol.
Fd take_descriptor(msghdr *header) {
  Fd taken;
  bool more = (header->msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr *part = CMSG_FIRSTHDR(header); part != nullptr; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
      int number;
      __builtin_memcpy(&number, CMSG_DATA(part) + i * sizeof number, sizeof number);
      Fd fd(number);
      if (taken.valid()) {
        more = true;
      } else {
        taken = std::move(fd);
      }
    }
  }
  if (more) refuse("message of init: too many descriptors");
  return taken;
}

Napi::Value closed(Napi::Env env) {
  auto result = Napi::Object::New(env);
  result.Set("type", "closed");
  return result;
}

// The process that took over is a child of this one, as init was: any other would be signalled and limited in its
// place, if a process of the container should ever get hold of init.
void check_child(const char *data, size_t size) {
  Message message;
  if (size < sizeof message) return;
  __builtin_memcpy(&message, data, sizeof message);
  if (static_cast<MessageType>(message.type) != MessageType::Forked) return;
  siginfo_t info;
  if (::waitid(P_PID, message.value, &info, WEXITED | WNOHANG | WNOWAIT) != 0) refuse("message of init: not a child");
}

// receive(socket): blocks until init says something.
Napi::Value receive(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int socket = args.fd(0, "socket");
  char data[kMaxMessage];
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  iovec part = {data, sizeof data};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t size = retry([&] { return ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC); });
  if (size == -1) {
    // Init died with a `Proceed` unread.
    if (errno == ECONNRESET) return closed(info.Env());
    fail("recvmsg");
  }
  Fd descriptor = take_descriptor(&header);
  if (size == 0) return closed(info.Env());
  if ((header.msg_flags & MSG_TRUNC) != 0) refuse("message of init: too long");
  check_child(data, static_cast<size_t>(size));
  return decode(info.Env(), data, static_cast<size_t>(size), std::move(descriptor));
}

// proceed(socket)
Napi::Value proceed(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int socket = args.fd(0, "socket");
  Message message = {};
  message.type = static_cast<uint32_t>(MessageType::Proceed);
  if (retry([&] { return ::send(socket, &message, sizeof message, MSG_NOSIGNAL); }) == -1) fail("send");
  return info.Env().Undefined();
}

// decodeMessage(packet): one that did not come over the socket, from the `started` fifo.
Napi::Value decode_message(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto packet = args.bytes(0, "packet");
  return decode(info.Env(), reinterpret_cast<const char *>(packet.data), packet.size, Fd());
}

} // namespace

void bind_messages(Napi::Object exports) {
  bind<receive>(exports, "receive");
  bind<proceed>(exports, "proceed");
  bind<decode_message>(exports, "decodeMessage");
}

} // namespace runt
