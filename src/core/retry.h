#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/http_client.h"

namespace b2neon {

/// The most attempts that one request gets.
constexpr int kMaxAttempts = 5;

/// Whether an answer with that status says that the store cannot answer now: 408, 429, 500, 502,
/// 503 or 504. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ErrorBestPractices.html
bool is_passing_status(int status) noexcept;

/// Whether a request may succeed a moment later where this attempt at it has failed: the connection
/// could not be made or broke off, or the store cannot answer now.
bool may_succeed_later(const HttpExchange &exchange) noexcept;

/// How long to wait after so many attempts: 100 ms, doubled with each, of which a random half is
/// left out, so that those who were refused together do not come back together.
std::chrono::milliseconds backoff(int attempts, uint32_t random) noexcept;

/// The seconds of a Retry-After header (RFC 9110, section 10.2.3), which are a number or a date;
/// nothing where it makes no sense. A date is taken relative to `date`, the same answer's Date
/// header, because the two clocks may differ.
std::optional<std::chrono::seconds> read_retry_after(std::string_view retry_after,
                                                     std::string_view date) noexcept;

/// What the answer says of that.
std::optional<std::chrono::seconds> asked_to_wait(const HttpExchange &exchange) noexcept;

}  // namespace b2neon
