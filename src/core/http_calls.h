#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/http_call.h"
#include "core/http_client.h"

namespace b2neon {

/// Carries calls out side by side, as many at a time as the client has connections. It never waits:
/// whoever owns the thread calls advance(), and then waits for the client's sockets and for
/// timeout_ms() at the most, until all are done.
///
/// The client and the calls belong to somebody else and must stay. A call whose turn has not come
/// holds nothing but its parameters; one that is waiting for its next attempt keeps its place, so
/// that a store that is overloaded gets fewer requests.
class HttpCalls {
 public:
  HttpCalls(HttpClient &client, std::span<HttpCall *const> calls) noexcept;

  /// Begins what can begin. Returns a call of which an attempt has just ended, to be looked at
  /// before the next step; nullptr where there is nothing to do but to wait.
  const HttpCall *advance() noexcept;

  bool done() const noexcept { return next_ == calls_.size() && active_count_ == 0; }

  /// Whether all that there is to wait for is the time of the next attempt.
  bool only_waits_to_retry() const noexcept;

  /// Milliseconds until advance() or the client has something to do; -1: not before a socket has.
  long timeout_ms() const noexcept;

 private:
  using Clock = HttpCall::Clock;
  using State = HttpCall::State;

  std::span<HttpCall *const> active() const noexcept { return {active_, active_count_}; }
  uint32_t random() noexcept;

  HttpClient &client_;
  std::span<HttpCall *const> calls_;
  size_t next_ = 0;  // the first call that has not begun
  HttpCall *active_[HttpClient::kMaxConnections] = {};
  size_t active_count_ = 0;
  uint32_t random_;
};

}  // namespace b2neon
