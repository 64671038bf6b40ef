#pragma once

#include "pg/pg.h"

namespace b2neon {

/// The role that a table belongs to.
Oid table_owner(Oid table);

/// Where the extension's objects are: the schema of the function that is being called, because an
/// extension that is not relocatable has all of them in one.
Oid extension_schema(FunctionCallInfo fcinfo);

/// The table of that name in the schema. Raises 42P01 where it is missing, 42809 where it is no
/// table.
Oid require_table(Oid schema, const char *name);

/// The number of a column, which has to be of that type (varchar does for text): what reads it with
/// somebody's rights must not run code that another type brings with it. Raises 42703 or 42804.
AttrNumber require_column(Oid table, const char *name, Oid type);

/// A statement about the extension's tables, prepared when it is first needed and kept. `%1$s` in
/// its text stands for their schema. Has to live as long as the backend.
struct Statement {
  static constexpr int kMaxParameters = 16;

  const char *sql;
  int parameter_count;
  Oid parameter_types[kMaxParameters];

  SPIPlanPtr plan;
  NameData schema_name;  // for which the plan was made
};

/// Runs a statement within SPI, which the caller has connected. Returns the number of rows.
uint64 execute(Statement &statement, Oid schema, const Datum *values, const char *nulls,
               bool read_only);

/// The same with what has been committed by now, even where the transaction works with an older
/// snapshot. For statements that change or lock rows.
uint64 execute_up_to_date(Statement &statement, Oid schema, const Datum *values, const char *nulls);

/// The time from begin_as_owner() to end_as_owner(), in which statements run with the rights of a
/// table's owner, past its row-level security, and with nothing but pg_catalog in the search path.
/// An error in between ends it too.
struct OwnerScope {
  Oid role;
  int security_context;
  int guc_level;
};

OwnerScope begin_as_owner(Oid table);
void end_as_owner(const OwnerScope &scope);

/// The same for changing the table. Raises 42501 where that would run a trigger of somebody who
/// does not have the rights of its owner.
OwnerScope begin_writing_as_owner(Oid table);

}  // namespace b2neon
