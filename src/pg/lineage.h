#pragma once

#include "pg/pg.h"

namespace b2neon {

// Which database the queue of deletions belongs to. In a copy of it, the same rows would delete the
// files of the original.

/// Raises 55000 where this database is not the one that the table b2_lineage names.
void require_lineage(Oid schema, const char *function);

/// Why this database is another one, as a sentence in the current memory context; nullptr where it
/// is the same.
const char *lineage_problem(Oid schema);

}  // namespace b2neon
