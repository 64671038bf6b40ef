#include "core/signal_block.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace b2neon {
namespace {

sigset_t current_mask() {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return mask;
}

TEST(SignalBlock, BlocksTheSignalsThatPostgresUses) {
  SignalBlock block;
  const sigset_t mask = current_mask();
  for (int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGURG, SIGCHLD,
                     SIGPIPE, SIGRTMIN, SIGRTMAX}) {
    EXPECT_EQ(sigismember(&mask, signal), 1) << signal;
  }
}

TEST(SignalBlock, IsInheritedByThreads) {
  SignalBlock block;
  std::thread thread([] {
    const sigset_t mask = current_mask();
    EXPECT_EQ(sigismember(&mask, SIGUSR1), 1);
  });
  thread.join();
}

TEST(SignalBlock, RestoresWhatWasBefore) {
  sigset_t only_usr2, before;
  sigemptyset(&only_usr2);
  sigaddset(&only_usr2, SIGUSR2);
  pthread_sigmask(SIG_SETMASK, &only_usr2, &before);
  {
    SignalBlock outer;
    {
      SignalBlock inner;
      const sigset_t mask = current_mask();
      EXPECT_EQ(sigismember(&mask, SIGUSR1), 1);
    }
    const sigset_t mask = current_mask();
    EXPECT_EQ(sigismember(&mask, SIGUSR1), 1);
  }
  const sigset_t mask = current_mask();
  EXPECT_EQ(sigismember(&mask, SIGUSR1), 0);
  EXPECT_EQ(sigismember(&mask, SIGUSR2), 1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace b2neon
