#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace b2neon {

/// The seconds since 1970 of a date in a header (RFC 9110, section 5.6.7); nothing where it is
/// none.
std::optional<int64_t> read_http_date(std::string_view text) noexcept;

}  // namespace b2neon
