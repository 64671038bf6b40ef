#pragma once

#include <csignal>

namespace b2neon {

// The unit tests have a getaddrinfo() of their own, which libcurl finds before the C library's:
//
//   loopback.test  is 127.0.0.1
//   slow.test      is 127.0.0.1 after a second
//   many.test      is 127.0.0.1, eight times
//   unknown.test   does not exist
//
// All other names go to the C library.

/// What the last look-up of a .test name was like.
struct NameLookup {
  bool in_other_thread = false;
  sigset_t blocked_signals;
};

NameLookup last_name_lookup();

}  // namespace b2neon
