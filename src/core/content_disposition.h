#pragma once

#include <cstddef>
#include <string_view>

#include "core/problem.h"

namespace b2neon {

/// The longest file name that a download can be given, in bytes of UTF-8.
constexpr size_t kMaxDownloadNameLength = 255;

/// Whether `file_name` can be offered for saving: 1 to 255 bytes of UTF-8, no control character.
Problem check_download_name(std::string_view file_name) noexcept;

/// The most that attachment_disposition() writes.
constexpr size_t attachment_disposition_bound(size_t length) {
  return 64 + 4 * length;
}

/// Writes the Content-Disposition (RFC 6266) that makes a browser save the body as `file_name`, and
/// returns the end of what was written: a plain ASCII name for old clients, and the real name in
/// the encoding of RFC 8187 (once RFC 5987). Slashes become underscores in both.
char *attachment_disposition(char *out, std::string_view file_name) noexcept;

}  // namespace b2neon
