#pragma once

#include "core/http_client.h"
#include "pg/pg.h"

namespace b2neon {

/// An exchange that goes when the memory context goes in which it was adopted, or sooner by
/// release(), so that no error can leak one.
struct AdoptedExchange {
  MemoryContextCallback callback;
  HttpExchange *exchange;
};

/// Room for an exchange in the current memory context. It has to be there before the exchange is.
AdoptedExchange *allocate_exchange();

/// Destroys the exchange.
void release(AdoptedExchange *adopted);

/// Carries the exchange out. Waits for sockets and for PostgreSQL's latch at the same time, so that
/// a cancel, a time-out or a shutdown ends it at once; such an error destroys the exchange.
void perform(AdoptedExchange *adopted);

/// Raises an error of class 08 (42501 where the address is forbidden) if the exchange has no
/// answer.
void require_answer(const AdoptedExchange *adopted, const char *server_name);

}  // namespace b2neon
