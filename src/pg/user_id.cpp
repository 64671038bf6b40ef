#include "pg/arguments.h"
#include "pg/identity.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_user_id)

/// b2_user_id() → text
Datum b2_user_id(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  return text_datum(caller_user_id(extension_schema(fcinfo)));
}
