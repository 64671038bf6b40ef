#include "pg/caller.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2neon_guard)
B2NEON_SQL_FUNCTION(b2neon_queue_deletions)

namespace b2neon {

namespace {

TriggerData *trigger_data(FunctionCallInfo fcinfo, const char *function) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("%s() can only be called as a trigger", function)));
  }
  return reinterpret_cast<TriggerData *>(fcinfo->context);
}

// deleted_rows is the trigger's transition table. A row that names no object, which a table that
// was there before the extension may have, leaves none behind.
Statement insert_into_deletions = {
    "INSERT INTO %1$s.b2_deletions (server, object_key, version_id) "
    "SELECT server, object_key, version_id FROM deleted_rows "
    "WHERE server IS NOT NULL AND object_key IS NOT NULL",
    0,
    {}};

Statement insert_all_into_deletions = {
    "INSERT INTO %1$s.b2_deletions (server, object_key, version_id) "
    "SELECT server, object_key, version_id FROM %1$s.b2_files "
    "WHERE server IS NOT NULL AND object_key IS NOT NULL",
    0,
    {}};

// The rows that TRUNCATE is about to take. The owner of b2_files can read them all, and can write
// to the queue as long as both tables have one owner, as they have at first.
void queue_all(Oid schema, Oid files) {
  // Looks at the queue's triggers; what follows has the same rights or fewer.
  end_as_owner(begin_writing_as_owner(require_table(schema, "b2_deletions")));
  const OwnerScope owner = begin_as_owner(files);
  execute(insert_all_into_deletions, schema, nullptr, nullptr, false);
  end_as_owner(owner);
}

void queue_deleted(Oid schema) {
  const OwnerScope owner = begin_writing_as_owner(require_table(schema, "b2_deletions"));
  execute(insert_into_deletions, schema, nullptr, nullptr, false);
  end_as_owner(owner);
}

}  // namespace

}  // namespace b2neon

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

/// Trigger after DELETE from, and before TRUNCATE of b2_files: queues the objects of its rows.
Datum b2neon_queue_deletions(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  TriggerData *trigger = trigger_data(fcinfo, "b2neon_queue_deletions");
  const Oid schema = extension_schema(fcinfo);
  // On a table of somebody's own it would queue whatever they like.
  if (RelationGetRelid(trigger->tg_relation) != require_table(schema, "b2_files")) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("b2neon_queue_deletions() belongs to b2_files alone")));
  }
  // After an INSERT or UPDATE it would queue objects that rows still name.
  if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event) &&
      !TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("b2neon_queue_deletions() must be fired by DELETE or TRUNCATE")));
  }
  SPI_connect();
  if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event)) {
    queue_all(schema, RelationGetRelid(trigger->tg_relation));
  } else {
    SPI_register_trigger_data(trigger);
    queue_deleted(schema);
  }
  SPI_finish();
  return PointerGetDatum(nullptr);
}
