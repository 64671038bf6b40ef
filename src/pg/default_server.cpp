#include "pg/settings.h"

B2NEON_SQL_FUNCTION(b2_default_server)

/// b2_default_server() → name
Datum b2_default_server(PG_FUNCTION_ARGS) {
  return DirectFunctionCall1(namein, CStringGetDatum(b2neon::default_server_name()));
}
