#include "core/retry.h"

#include <algorithm>
#include <charconv>

#include "core/ascii.h"
#include "core/http_date.h"

namespace b2neon {

namespace {

constexpr std::chrono::milliseconds kFirstWait{100};

bool is_number(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_ascii_digit);
}

}  // namespace

bool is_passing_status(int status) noexcept {
  switch (status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return true;
    default:
      return false;
  }
}

bool may_succeed_later(const HttpExchange &exchange) noexcept {
  switch (exchange.failure()) {
    case HttpFailure::kNone:
      return is_passing_status(exchange.status());
    case HttpFailure::kNameLookup:
    case HttpFailure::kConnect:
    case HttpFailure::kTls:
    case HttpFailure::kTimeout:
    case HttpFailure::kBroken:
      return true;
    case HttpFailure::kForbiddenAddress:
    case HttpFailure::kCertificate:
    case HttpFailure::kMalformed:
    case HttpFailure::kTooLarge:
    case HttpFailure::kOutOfMemory:
      return false;
  }
  return false;
}

std::chrono::milliseconds backoff(int attempts, uint32_t random) noexcept {
  const auto longest = kFirstWait * (1 << (std::clamp(attempts, 1, kMaxAttempts) - 1));
  const auto half = longest / 2;
  return half + std::chrono::milliseconds(random % (half.count() + 1));
}

std::optional<std::chrono::seconds> read_retry_after(std::string_view retry_after,
                                                     std::string_view date) noexcept {
  if (is_number(retry_after)) {
    int32_t seconds = 0;
    auto [end, error] =
        std::from_chars(retry_after.data(), retry_after.data() + retry_after.size(), seconds);
    return std::chrono::seconds(error == std::errc() ? seconds : INT32_MAX);
  }
  const std::optional<int64_t> then = read_http_date(retry_after);
  const std::optional<int64_t> now = read_http_date(date);
  if (!then || !now) return {};
  return std::chrono::seconds(std::clamp<int64_t>(*then - *now, 0, INT32_MAX));
}

std::optional<std::chrono::seconds> asked_to_wait(const HttpExchange &exchange) noexcept {
  return read_retry_after(exchange.header("Retry-After"), exchange.header("Date"));
}

}  // namespace b2neon
