#include "pg/tables.h"

namespace b2neon {

namespace {

Oid owner_of(Oid table) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for relation %u", table);
  Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  return owner;
}

// PostgreSQL keeps a plan up to date by itself; only another name of the schema makes another text.
// The old plan is then left where it is: it may be running further up the stack, in a statement
// whose trigger has brought us here.
SPIPlanPtr prepared(Statement &statement, Oid schema) {
  const char *schema_name = get_namespace_name(schema);
  if (!schema_name) elog(ERROR, "cache lookup failed for schema %u", schema);
  if (statement.plan && strcmp(NameStr(statement.schema_name), schema_name) == 0) {
    return statement.plan;
  }
  const char *sql = psprintf(statement.sql, quote_identifier(schema_name));
  SPIPlanPtr plan = SPI_prepare(sql, statement.parameter_count, statement.parameter_types);
  if (!plan) elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
  SPI_keepplan(plan);
  statement.plan = plan;
  namestrcpy(&statement.schema_name, schema_name);
  return plan;
}

}  // namespace

Oid extension_schema(FunctionCallInfo fcinfo) {
  return get_func_namespace(fcinfo->flinfo->fn_oid);
}

Oid require_table(Oid schema, const char *name) {
  Oid table = get_relname_relid(name, schema);
  if (!OidIsValid(table)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("table \"%s.%s\" does not exist", get_namespace_name(schema), name),
                    errhint("Create the extension again: DROP EXTENSION b2neon CASCADE and CREATE "
                            "EXTENSION b2neon, with row_security = on.")));
  }
  // Row-level security, on which everything rests, is known of tables only.
  const char kind = get_rel_relkind(table);
  if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("\"%s.%s\" is not a table", get_namespace_name(schema), name),
                    errhint("Give the view or foreign table another name or schema.")));
  }
  return table;
}

uint64 execute(Statement &statement, Oid schema, const Datum *values, const char *nulls,
               bool read_only) {
  int result = SPI_execute_plan(prepared(statement, schema), const_cast<Datum *>(values), nulls,
                                read_only, 0);
  if (result < 0) elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
  return SPI_processed;
}

OwnerScope begin_as_owner(Oid table) {
  OwnerScope scope;
  GetUserIdAndSecContext(&scope.role, &scope.security_context);
  SetUserIdAndSecContext(owner_of(table), scope.security_context | SECURITY_LOCAL_USERID_CHANGE |
                                              SECURITY_NOFORCE_RLS);
  scope.guc_level = NewGUCNestLevel();
  set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                    GUC_ACTION_SAVE, true, 0, false);
  return scope;
}

void end_as_owner(const OwnerScope &scope) {
  AtEOXact_GUC(false, scope.guc_level);
  SetUserIdAndSecContext(scope.role, scope.security_context);
}

}  // namespace b2neon
