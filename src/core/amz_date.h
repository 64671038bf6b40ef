#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace b2neon {

/// A point in time as Signature Version 4 writes it, in UTC: 20130524T000000Z.
class AmzDate {
 public:
  /// The first and last second that can be written, since 1970-01-01 00:00:00 UTC.
  static constexpr int64_t kMinimum = 0;
  static constexpr int64_t kMaximum = 253402300799;  // 9999-12-31 23:59:59

  /// `unix_time` is in seconds and between the limits above.
  explicit AmzDate(int64_t unix_time) noexcept;

  std::string_view timestamp() const noexcept { return {text_.data(), 16}; }
  std::string_view day() const noexcept { return {text_.data(), 8}; }

 private:
  std::array<char, 16> text_;
};

}  // namespace b2neon
