// The mode of the caller's terminal.
#pragma once
#include <termios.h>

namespace runt {

// Gives the terminal at standard input a mode that it had; also a process in the background may.
void set_terminal_mode(const termios &mode);

} // namespace runt
