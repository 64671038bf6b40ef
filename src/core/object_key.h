#pragma once

#include <cstddef>
#include <string_view>

#include "core/problem.h"

namespace b2neon {

/// The longest object key, in bytes of UTF-8 (B2 and S3).
constexpr size_t kMaxObjectKeyLength = 1024;

/// Whether `key` can name an object in B2 and come through every URL parser unchanged: 1 to 1024
/// bytes of UTF-8, no control character (https://www.backblaze.com/docs/cloud-storage-files), no
/// segment `.` or `..`, and no U+FFFE or U+FFFF, which no XML listing can carry.
Problem check_object_key(std::string_view key) noexcept;

/// What comes after the last slash or backslash. Browsers report `C:\fakepath\x.png` for a chosen
/// file, and a relative path for a chosen folder.
std::string_view last_path_component(std::string_view file_name) noexcept;

}  // namespace b2neon
