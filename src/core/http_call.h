#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "core/http_client.h"

namespace b2neon {

/// A request that is to be carried out, in several attempts if need be.
class HttpCall {
 public:
  /// Makes the exchange of one attempt, signed for the moment; nullptr where memory runs out. Must
  /// not throw.
  using MakeAttempt = std::function<std::unique_ptr<HttpExchange>()>;

  /// All attempts together, with the waiting between them, take at most `time_limit`. A request
  /// that may not be repeated has one attempt.
  HttpCall(MakeAttempt make_attempt, std::chrono::milliseconds time_limit, bool may_be_repeated)
      : make_attempt_(std::move(make_attempt)),
        time_limit_(time_limit),
        may_be_repeated_(may_be_repeated) {}

  bool done() const noexcept { return state_ == State::kDone; }

  /// The last attempt; nullptr where memory ran out or none was made yet.
  const HttpExchange *last_attempt() const noexcept { return attempt_.get(); }
  int attempts() const noexcept { return attempts_; }
  /// What is left of the time limit; nothing before the first attempt.
  std::chrono::milliseconds time_left() const noexcept;

  /// How long the last attempt took.
  std::chrono::milliseconds last_attempt_took() const noexcept { return last_attempt_took_; }

 private:
  friend class HttpCalls;
  using Clock = std::chrono::steady_clock;
  enum class State { kNew, kUnderWay, kWaiting, kDone };

  void begin_attempt(HttpClient &client, Clock::time_point now) noexcept;
  bool is_overdue(Clock::time_point now) const noexcept;
  void end_attempt(Clock::time_point now, uint32_t random) noexcept;

  MakeAttempt make_attempt_;
  std::chrono::milliseconds time_limit_;
  bool may_be_repeated_;

  State state_ = State::kNew;
  std::unique_ptr<HttpExchange> attempt_;
  int attempts_ = 0;
  Clock::time_point deadline_;
  Clock::time_point attempt_began_;
  std::chrono::milliseconds last_attempt_took_{0};
  Clock::time_point next_attempt_;  // while waiting
};

}  // namespace b2neon
