#pragma once

#include <string_view>

namespace b2neon {

/// Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
/// U+10FFFF).
bool is_utf8(std::string_view text) noexcept;

/// The longest beginning of `text` that has at most `limit` bytes and cuts no character in two.
std::string_view utf8_prefix(std::string_view text, size_t limit) noexcept;

}  // namespace b2neon
