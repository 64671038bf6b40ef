#pragma once

#include <string_view>

#include "core/problem.h"

namespace b2neon {

/// Whether `name` is a header's name (RFC 9110, section 5.1: a token).
Problem check_header_name(std::string_view name) noexcept;

/// Whether `value` can be sent as a header's value: visible ASCII and spaces. What else HTTP allows
/// (tabs, bytes above 127) is changed on the way by some clients and stores.
Problem check_header_value(std::string_view value) noexcept;

/// Whether `value` is a media type, `type/subtype` with optional parameters (RFC 9110, 8.3.1), that
/// can be sent as Content-Type.
Problem check_media_type(std::string_view value) noexcept;

/// Whether `value` is a Content-MD5 (RFC 1864): 16 bytes in base64, 24 characters.
Problem check_content_md5(std::string_view value) noexcept;

}  // namespace b2neon
