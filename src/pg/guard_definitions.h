#pragma once

#include "pg/pg.h"

namespace b2neon {

/// From now on, in this session, refuses what a role that row-level security applies to must not
/// define, whatever it has been granted: triggers on the extension's tables, foreign keys to them,
/// and user mappings, by which it would choose the key that its requests
/// are signed with. `schema` is the extension's.
void guard_definitions(Oid schema);

}  // namespace b2neon
