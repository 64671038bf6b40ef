#include "pg/pg.h"
#include "pg/search_path.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_guard_definitions)

namespace b2neon {

namespace {

// What the command has made: triggers, and the foreign keys of the tables that it made or altered,
// with the table that they concern. A foreign key that was there before is told by its xmin.
constexpr char kNewDefinitions[] =
    "SELECT t.tgrelid, t.tgname::pg_catalog.text, NULL::pg_catalog.xid "
    "FROM pg_event_trigger_ddl_commands() c JOIN pg_trigger t ON t.oid = c.objid "
    "WHERE c.classid = 'pg_trigger'::regclass "
    "UNION ALL SELECT k.confrelid, k.conname::pg_catalog.text, k.xmin "
    "FROM pg_event_trigger_ddl_commands() c JOIN pg_constraint k ON k.conrelid = c.objid "
    "WHERE c.classid = 'pg_class'::regclass AND k.contype = 'f'";

struct GuardedTables {
  Oid tables[4];
  int count = 0;

  bool contains(Oid table) const {
    for (int i = 0; i < count; i++) {
      if (tables[i] == table) return true;
    }
    return false;
  }
};

// Those of ours that row-level security keeps the current role out of. (With FORCE it applies to
// the owner too, who may define what they like.)
GuardedTables guarded_tables(Oid schema) {
  GuardedTables guarded;
  for (const char *name : {"b2_files", "b2_uploads", "b2_deletions", "b2_identity"}) {
    const Oid table = get_relname_relid(name, schema);
    if (OidIsValid(table) && check_enable_rls(table, InvalidOid, true) == RLS_ENABLED &&
        !has_privs_of_role(GetUserId(), table_owner(table))) {
      guarded.tables[guarded.count++] = table;
    }
  }
  return guarded;
}

void check_definition(const GuardedTables &guarded, HeapTuple row, TupleDesc columns) {
  bool is_null;
  const Oid table = DatumGetObjectId(SPI_getbinval(row, columns, 1, &is_null));
  if (!guarded.contains(table)) return;
  const Datum xmin = SPI_getbinval(row, columns, 3, &is_null);
  const bool is_trigger = is_null;
  if (!is_trigger && !TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin))) return;
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           is_trigger ? errmsg("role \"%s\" cannot put trigger \"%s\" on table \"%s\"",
                               GetUserNameFromId(GetUserId(), false), SPI_getvalue(row, columns, 2),
                               get_rel_name(table))
                      : errmsg("role \"%s\" cannot let foreign key \"%s\" refer to table \"%s\"",
                               GetUserNameFromId(GetUserId(), false), SPI_getvalue(row, columns, 2),
                               get_rel_name(table)),
           errdetail("Row-level security on the table applies to this role, and whoever changes "
                     "the table would run its code."),
           errhint("The owner of table \"%s\" can do it.", get_rel_name(table))));
}

}  // namespace

}  // namespace b2neon

/// Event trigger at the end of commands that can make triggers and foreign keys: a role that
/// row-level security applies to does not get to attach any to the extension's tables, whatever it
/// has been granted.
Datum b2_guard_definitions(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("b2_guard_definitions() can only be called as an event trigger")));
  }
  const GuardedTables guarded = guarded_tables(extension_schema(fcinfo));
  if (guarded.count == 0) return PointerGetDatum(nullptr);

  SPI_connect();
  const int level = pin_search_path();
  // Not read-only: a snapshot of its own sees what the command has made.
  const int result = SPI_execute(kNewDefinitions, false, 0);
  if (result != SPI_OK_SELECT) {
    elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
  }
  for (uint64 i = 0; i < SPI_processed; i++) {
    check_definition(guarded, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
  }
  restore_settings(level);
  SPI_finish();
  return PointerGetDatum(nullptr);
}
