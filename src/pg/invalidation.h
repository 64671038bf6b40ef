#pragma once

#include "pg/pg.h"

namespace b2neon {

/// A number that changes whenever something that this backend keeps from the catalogs may have
/// changed: a foreign server, a user mapping, a role or its memberships (of pg_database_owner,
/// too), a schema, or the table b2_files. What is kept is valid as long as the number that it was
/// made under is the current one.
uint64_t catalog_generation();

/// Makes changes of this table count, which is b2_files.
void watch_relation(Oid relation);

}  // namespace b2neon
