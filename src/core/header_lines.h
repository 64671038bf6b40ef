#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace b2neon {

/// The head of an answer, taken in line by line.
class HeaderLines {
 public:
  /// The most bytes that the head of one answer may have.
  static constexpr size_t kMaxBytes = 65536;

  enum class Added { kYes, kTooLarge, kOutOfMemory };

  /// Adds a line, with its end. A status line begins the head anew: what came before it was an
  /// interim answer. Lines after the head's end, which are trailers, are left out.
  Added add(std::string_view line) noexcept;

  /// The value of the first header of that name, in any case, without blanks around it; empty where
  /// there is none.
  std::string_view value(std::string_view name) const noexcept;

  /// Whether the empty line was there that ends a head.
  bool is_complete() const noexcept { return is_complete_; }

 private:
  std::string lines_;
  bool is_complete_ = false;
};

}  // namespace b2neon
