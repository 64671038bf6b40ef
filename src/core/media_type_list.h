#pragma once

#include <string_view>

namespace b2neon {

/// Whether a media type (its parameters do not count) is in a comma-separated list, in which an
/// entry such as `image/*` stands for all subtypes.
bool media_type_is_listed(std::string_view media_type, std::string_view list) noexcept;

}  // namespace b2neon
