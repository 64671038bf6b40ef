#pragma once

#include <string_view>

#include "core/problem.h"

namespace b2neon {

/// Whether `name` is a bucket name that B2 or another S3 store can have: 3 to 63 letters, digits,
/// hyphens and single dots, with a letter or digit at both ends.
Problem check_bucket_name(std::string_view name) noexcept;

/// Whether `region` is 1 to 63 lower-case letters, digits and hyphens.
Problem check_region(std::string_view region) noexcept;

}  // namespace b2neon
