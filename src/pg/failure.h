#pragma once

#include "pg/pg.h"

namespace b2neon {

/// Why something did not work: an error that can be raised, or be listed beside others. The texts
/// are those of ereport().
struct Failure {
  int sqlstate;
  const char *message;
  const char *detail = nullptr;
  const char *hint = nullptr;
  const char *constraint = nullptr;
  const char *reason = nullptr;      // what a list says behind a file's key, for those it can have
  const char *log_detail = nullptr;  // for the server's log, where that is another one
};

/// A copy in the current memory context.
const Failure *new_failure(const Failure &failure);

[[noreturn]] void raise(const Failure &failure);

[[noreturn]] void raise_out_of_memory();

}  // namespace b2neon
