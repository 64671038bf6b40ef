#include "pg/hide_statement.h"
#include "pg/search_path.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2neon_guard_definitions)

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

// The servers of b2neon that the command has made or altered a user mapping for.
constexpr char kNewMappings[] =
    "SELECT s.srvname::pg_catalog.text, s.srvowner FROM pg_event_trigger_ddl_commands() c "
    "JOIN pg_user_mappings m ON m.umid = c.objid JOIN pg_foreign_server s ON s.oid = m.srvid "
    "JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw "
    "WHERE c.classid = 'pg_user_mapping'::regclass AND w.fdwname = 'b2neon'";

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

// PostgreSQL lets whoever has USAGE on a server make a user mapping for themselves. The store would
// then be asked with a key of the caller's choice whether an upload is there.
void check_mapping(HeapTuple row, TupleDesc columns) {
  bool is_null;
  const Oid owner = DatumGetObjectId(SPI_getbinval(row, columns, 2, &is_null));
  if (has_privs_of_role(GetUserId(), owner)) return;
  const char *server = quote_identifier(SPI_getvalue(row, columns, 1));
  const char *role = GetUserNameFromId(GetUserId(), false);
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), hide_statement(),
           errmsg("role \"%s\" cannot choose the application key for server %s", role, server),
           errdetail("Row-level security on b2_files applies to this role."),
           errhint("The server's owner can: CREATE USER MAPPING FOR %s SERVER %s ...",
                   quote_identifier(role), server)));
}

// Calls `check` with each row that the query gives.
template <class Check>
void for_each_row(const char *query, Check check) {
  // Not read-only: a snapshot of its own sees what the command has made.
  const int result = SPI_execute(query, false, 0);
  if (result != SPI_OK_SELECT) {
    elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
  }
  for (uint64 i = 0; i < SPI_processed; i++) {
    check(SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
  }
}

}  // namespace

}  // namespace b2neon

/// Event trigger at the end of commands that can make triggers, foreign keys and user mappings: a
/// role that row-level security applies to does not get to attach any to the extension's tables,
/// whatever it has been granted, nor to choose the key that its requests are signed with.
Datum b2neon_guard_definitions(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("b2neon_guard_definitions() can only be called as an event trigger")));
  }
  const Oid schema = extension_schema(fcinfo);
  const GuardedTables guarded = guarded_tables(schema);
  if (guarded.count == 0) return PointerGetDatum(nullptr);

  SPI_connect();
  const int level = pin_search_path();
  for_each_row(kNewDefinitions, [&guarded](HeapTuple row, TupleDesc columns) {
    check_definition(guarded, row, columns);
  });
  if (guarded.contains(get_relname_relid("b2_files", schema))) {
    for_each_row(kNewMappings, check_mapping);
  }
  restore_settings(level);
  SPI_finish();
  return PointerGetDatum(nullptr);
}
