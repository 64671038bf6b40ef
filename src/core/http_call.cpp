#include "core/http_call.h"

#include <algorithm>

#include "core/retry.h"

namespace b2neon {

void HttpCall::begin_attempt(HttpClient &client, Clock::time_point now) noexcept {
  using std::chrono::milliseconds;
  if (state_ == State::kNew) deadline_ = now + time_limit_;
  state_ = State::kUnderWay;
  attempts_++;
  attempt_began_ = now;
  attempt_ = make_attempt_();
  if (!attempt_) return;
  const auto rest = std::chrono::ceil<milliseconds>(deadline_ - now);
  attempt_->limit_time(static_cast<long>(std::max(rest, milliseconds(1)).count()));
  client.start(*attempt_);
}

std::chrono::milliseconds HttpCall::time_left() const noexcept {
  using std::chrono::milliseconds;
  const auto left = std::chrono::floor<milliseconds>(deadline_ - Clock::now());
  return std::max(left, milliseconds(0));
}

// libcurl has a time limit of its own, which should have ended the attempt before.
bool HttpCall::is_overdue(Clock::time_point now) const noexcept {
  return now > deadline_ + std::chrono::seconds(1);
}

void HttpCall::end_attempt(Clock::time_point now, uint32_t random) noexcept {
  last_attempt_took_ = std::chrono::round<std::chrono::milliseconds>(now - attempt_began_);
  state_ = State::kDone;
  if (!attempt_ || !may_be_repeated_ || attempts_ == kMaxAttempts ||
      !may_succeed_later(*attempt_)) {
    return;
  }
  std::chrono::milliseconds wait = backoff(attempts_, random);
  if (const auto asked = asked_to_wait(*attempt_)) {
    wait = std::max<std::chrono::milliseconds>(wait, *asked);
  }
  if (now + wait >= deadline_) return;
  next_attempt_ = now + wait;
  state_ = State::kWaiting;
}

}  // namespace b2neon
