#include "core/http_calls.h"

#include <unistd.h>

#include <algorithm>

namespace b2neon {

HttpCalls::HttpCalls(HttpClient &client, std::span<HttpCall *const> calls) noexcept
    : client_(client),
      calls_(calls),
      random_(static_cast<uint32_t>(Clock::now().time_since_epoch().count()) ^
              static_cast<uint32_t>(getpid()) * 2654435761U) {}

// A linear congruential generator (Numerical Recipes) is random enough to keep sessions apart. Its
// higher bits are the better ones.
uint32_t HttpCalls::random() noexcept {
  random_ = random_ * 1664525U + 1013904223U;
  return random_ >> 8;
}

const HttpCall *HttpCalls::advance() noexcept {
  const Clock::time_point now = Clock::now();
  while (active_count_ < HttpClient::kMaxConnections && next_ < calls_.size()) {
    HttpCall *call = calls_[next_++];
    active_[active_count_++] = call;
    call->begin_attempt(client_, now);
  }
  for (HttpCall *&call : std::span(active_, active_count_)) {
    if (call->state_ == State::kWaiting && call->next_attempt_ <= now) {
      call->begin_attempt(client_, now);
    }
    if (call->state_ != State::kUnderWay) continue;
    if (call->attempt_ && !call->attempt_->done()) {
      if (!call->is_overdue(now)) continue;
      call->attempt_->give_up();
    }
    const HttpCall *ended = call;
    call->end_attempt(now, random());
    if (call->done()) call = active_[--active_count_];
    return ended;
  }
  return nullptr;
}

bool HttpCalls::only_waits_to_retry() const noexcept {
  return std::all_of(active().begin(), active().end(),
                     [](const HttpCall *call) { return call->state_ == State::kWaiting; });
}

long HttpCalls::timeout_ms() const noexcept {
  long timeout = client_.timeout_ms();
  for (const HttpCall *call : active()) {
    if (call->state_ != State::kWaiting) continue;
    const auto wait = call->next_attempt_ - Clock::now();
    const long milliseconds = static_cast<long>(
        std::max<int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(wait).count()));
    timeout = timeout < 0 ? milliseconds : std::min(timeout, milliseconds);
  }
  return timeout;
}

}  // namespace b2neon
