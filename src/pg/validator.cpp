#include "pg/guard_definitions.h"
#include "pg/options.h"
#include "pg/settings.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2neon_fdw_validator)

/// b2neon_fdw_validator(options text[], catalog oid) → void. PostgreSQL calls it with the options
/// as they would stand after CREATE or ALTER of a foreign data wrapper, server or user mapping.
Datum b2neon_fdw_validator(PG_FUNCTION_ARGS) {
  b2neon::guard_definitions(b2neon::extension_schema(fcinfo));
  List *options = b2neon::option_list(PG_GETARG_DATUM(0));
  switch (PG_GETARG_OID(1)) {
    case ForeignServerRelationId: {
      const b2neon::ServerOptions server = b2neon::read_server_options(options);
      // pg_upgrade brings over what was allowed where it comes from; requests ask again.
      if (!IsBinaryUpgrade &&
          b2neon::endpoint_permission(server.endpoint) == b2neon::EndpointPermission::kNo) {
        ereport(
            ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
             errmsg("endpoint \"%.*s\" is not allowed", b2neon::length(server.endpoint_url),
                    server.endpoint_url.data()),
             errhint(
                 "Backblaze's endpoints are https://s3.<region>.backblazeb2.com. A superuser can "
                 "add others to b2neon.allowed_endpoints, for sessions that begin then.")));
      }
      break;
    }
    case UserMappingRelationId:
      b2neon::read_mapping_options(options);
      break;
    default:
      b2neon::require_no_options(options);
  }
  b2neon::wipe_options(options);
  PG_RETURN_VOID();
}
