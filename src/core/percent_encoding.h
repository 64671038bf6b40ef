#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace b2neon {

/// Percent-encoding as AWS Signature Version 4 wants it: every byte but A-Z a-z 0-9 - . _ ~ becomes
/// %XX with upper-case digits.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html

/// The most that a text can grow to.
constexpr size_t percent_encoded_bound(size_t length) {
  return 3 * length;
}

/// Writes the encoded text to `out` and returns the end of what was written.
char *percent_encode(char *out, std::string_view text) noexcept;

/// The same for an object key in a URL's path: its slashes stay.
char *percent_encode_path(char *out, std::string_view path) noexcept;

/// Decodes what a store has encoded for a URL, where a plus sign is a space. False where a percent
/// sign is followed by something else than two hexadecimal digits. Can throw std::bad_alloc.
[[nodiscard]] bool percent_decode(std::string_view text, std::string &plain);

/// Whether the encoded form of `a` sorts before that of `b` by bytes, the order of a canonical
/// query string: <0, 0, >0. It differs from the order of the plain texts.
int compare_percent_encoded(std::string_view a, std::string_view b) noexcept;

}  // namespace b2neon
