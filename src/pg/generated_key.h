#pragma once

#include "pg/pg.h"

namespace b2neon {

/// A new object key in the current memory context: `<prefix><uuid>-<name>`. The UUID is of version
/// 7 (RFC 9562): it begins with the time in milliseconds, so that keys sort, and are indexed, in
/// the order in which they were made, and 74 of its bits are random.
std::string_view generate_object_key(std::string_view prefix, std::string_view name);

}  // namespace b2neon
