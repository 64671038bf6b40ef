#include "pg/arguments.h"
#include "pg/caller.h"

B2NEON_SQL_FUNCTION(b2_user_id)

/// b2_user_id() → text
Datum b2_user_id(PG_FUNCTION_ARGS) {
  return b2neon::text_datum(b2neon::caller_user_id());
}
