// Reaching a socket of the host by its path.
#pragma once
#include <string>

#include "fd.h"

namespace runt {

// connect(2), however long the path is; it fails with the path's name.
void connect_to(const Fd &socket, const std::string &path);

} // namespace runt
