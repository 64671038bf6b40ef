#pragma once

#include <csignal>

namespace b2neon {

/// Keeps every signal from this thread, and from the threads that it starts, for as long as it
/// lives.
///
/// libcurl looks names up in a thread, and that thread inherits the signal mask of the moment. A
/// signal that is meant for PostgreSQL must never be handled in it: the handlers assume the main
/// thread. So every call into libcurl happens under a block.
class SignalBlock {
 public:
  SignalBlock() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &previous_);
  }
  ~SignalBlock() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  SignalBlock(const SignalBlock &) = delete;
  SignalBlock &operator=(const SignalBlock &) = delete;

 private:
  sigset_t previous_;
};

}  // namespace b2neon
