#pragma once

#include "core/http_call.h"
#include "pg/pg.h"

namespace b2neon {

/// A call that goes when the memory context goes in which it was adopted, or sooner by release(),
/// so that no error can leak one.
struct AdoptedCall {
  MemoryContextCallback callback;
  HttpCall *call;
};

/// Room for a call in the current memory context. It has to be there before the call is.
AdoptedCall *allocate_call();

/// Destroys the call.
void release(AdoptedCall *adopted);

/// Carries the calls out side by side. Waits for sockets and for PostgreSQL's latch at the same
/// time, so that a cancel, a time-out or a shutdown ends all of them at once; such an error
/// destroys the calls. Every attempt is logged at DEBUG1.
///
/// Where `ends_all` is there and true of a call that is over, the others are left as they are.
void carry_out(std::span<AdoptedCall *const> calls,
               bool (*ends_all)(const HttpCall &call) = nullptr);

}  // namespace b2neon
