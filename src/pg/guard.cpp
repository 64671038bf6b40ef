#include "pg/caller.h"
#include "pg/trigger_data.h"

B2NEON_SQL_FUNCTION(b2neon_guard)

/// Trigger before INSERT, UPDATE, DELETE or TRUNCATE of the extension's tables: a confined role
/// changes them through the functions only, whatever it has been granted and whatever policies say.
/// The functions run as the table's owner.
Datum b2neon_guard(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  TriggerData *trigger = trigger_data(fcinfo, "b2neon_guard");
  if (check_enable_rls(RelationGetRelid(trigger->tg_relation), InvalidOid, true) == RLS_ENABLED) {
    const char *table = RelationGetRelationName(trigger->tg_relation);
    const bool is_for_uploads = strcmp(table, "b2_files") == 0 || strcmp(table, "b2_uploads") == 0;
    ereport(ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
             errmsg("role \"%s\" cannot change table \"%s\" directly",
                    GetUserNameFromId(GetUserId(), false), table),
             is_for_uploads ? errhint("Upload with b2_presign_put() and b2_register_file().") : 0));
  }
  return PointerGetDatum(nullptr);
}
