#pragma once

#include <cstdint>
#include <string_view>

namespace b2neon {

/// Reads a date as S3 writes it in XML, `2026-11-24T22:00:00[.123]Z`, as microseconds since 1970.
/// False where it is none.
[[nodiscard]] bool read_iso_date(std::string_view text, int64_t &microseconds) noexcept;

}  // namespace b2neon
