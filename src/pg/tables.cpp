#include "pg/tables.h"

#include "pg/search_path.h"

namespace b2neon {

namespace {

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

// What a trigger's function brings with it.
struct TriggerFunction {
  Oid author;
  bool brings_search_path;
};

bool sets_search_path(HeapTuple function) {
  bool is_null;
  const Datum settings = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proconfig, &is_null);
  if (is_null) return false;
  Datum *items;
  int count;
  deconstruct_array(DatumGetArrayTypeP(settings), TEXTOID, -1, false, TYPALIGN_INT, &items, nullptr,
                    &count);
  for (int i = 0; i < count; i++) {
    if (strncmp(TextDatumGetCString(items[i]), "search_path=", 12) == 0) return true;
  }
  return false;
}

TriggerFunction trigger_function(Oid function) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for function %u", function);
  const Form_pg_proc form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  const TriggerFunction result = {form->proowner, sets_search_path(tuple)};
  ReleaseSysCache(tuple);
  return result;
}

// A trigger function runs with the rights of whoever changes the table, or sees and changes the row
// with its own. So it must belong to somebody who has the rights of the table's owner anyway. The
// lock keeps new triggers out until the transaction ends.
//
// One that can be deferred runs when the owner's search path is gone. PostgreSQL 18 still gives it
// the owner's rights then, so it has to bring a search path, or the caller's own would count.
void require_trusted_triggers(Oid table, Oid owner) {
  Relation relation = table_open(table, RowExclusiveLock);
  // A copy, because each look at a catalog may have the table's own description made anew.
  const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
  for (int i = 0; triggers && i < triggers->numtriggers; i++) {
    const Trigger &trigger = triggers->triggers[i];
    if (trigger.tgisinternal || trigger.tgenabled == TRIGGER_DISABLED) continue;
    const TriggerFunction function = trigger_function(trigger.tgfoid);
    if (!has_privs_of_role(function.author, owner)) {
      ereport(
          ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("trigger \"%s\" on table \"%s\" is not run with the rights of the table's owner",
                  trigger.tgname, RelationGetRelationName(relation)),
           errdetail("Its function belongs to role \"%s\", which does not have these rights.",
                     GetUserNameFromId(function.author, false)),
           errhint("Drop the trigger, or have its function belong to the table's owner.")));
    }
    if (trigger.tgdeferrable && !function.brings_search_path) {
      ereport(
          ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("trigger \"%s\" on table \"%s\" is not run with the search path of the caller",
                  trigger.tgname, RelationGetRelationName(relation)),
           errdetail("It is deferrable, and its function sets no search path of its own."),
           errhint("ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp",
                   format_procedure_qualified(trigger.tgfoid))));
    }
  }
  table_close(relation, NoLock);
}

}  // namespace

Oid table_owner(Oid table) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for relation %u", table);
  Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  return owner;
}

// Looked up once a query; fn_extra lives no longer, and holds the Oid itself instead of a pointer.
Oid extension_schema(FunctionCallInfo fcinfo) {
  FmgrInfo *function = fcinfo->flinfo;
  if (!function->fn_extra) {
    function->fn_extra = reinterpret_cast<void *>(uintptr_t{get_func_namespace(function->fn_oid)});
  }
  return static_cast<Oid>(reinterpret_cast<uintptr_t>(function->fn_extra));
}

Oid require_table(Oid schema, const char *name) {
  Oid table = get_relname_relid(name, schema);
  if (!OidIsValid(table)) {
    ereport(
        ERROR,
        (errcode(ERRCODE_UNDEFINED_TABLE),
         errmsg("table \"%s.%s\" does not exist", get_namespace_name(schema), name),
         errhint("b2neon looks for it by this name in the schema of the extension. A table that "
                 "was renamed or moved has to go back; one that was dropped is made "
                 "again by DROP EXTENSION b2neon CASCADE, which takes all servers, user "
                 "mappings and queues with it, and CREATE EXTENSION b2neon.")));
  }
  // Row-level security, on which everything rests, is known of tables only, and the partitions of
  // one have triggers and privileges of their own.
  if (get_rel_relkind(table) != RELKIND_RELATION) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("\"%s.%s\" is not an ordinary table", get_namespace_name(schema), name),
                    errhint("Give what is there another name or schema.")));
  }
  return table;
}

AttrNumber require_column(Oid table, const char *name, Oid type) {
  const AttrNumber number = get_attnum(table, name);
  const bool is_there = number != InvalidAttrNumber;
  const Oid found = is_there ? get_atttype(table, number) : InvalidOid;
  if (found == type || (type == TEXTOID && found == VARCHAROID)) return number;
  ereport(ERROR,
          (errcode(is_there ? ERRCODE_DATATYPE_MISMATCH : ERRCODE_UNDEFINED_COLUMN),
           errmsg("table \"%s\" has no column \"%s\" of type %s", get_rel_name(table), name,
                  format_type_be(type)),
           errhint("b2neon looks for it by this name. Give the column its name and type back.")));
}

uint64 execute(Statement &statement, Oid schema, const Datum *values, const char *nulls,
               bool read_only) {
  EnsurePortalSnapshotExists();  // after a COMMIT in a procedure there may be none
  int result = SPI_execute_plan(prepared(statement, schema), const_cast<Datum *>(values), nulls,
                                read_only, 0);
  if (result < 0) elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
  return SPI_processed;
}

uint64 execute_up_to_date(Statement &statement, Oid schema, const Datum *values,
                          const char *nulls) {
  EnsurePortalSnapshotExists();
  int result = SPI_execute_snapshot(prepared(statement, schema), const_cast<Datum *>(values), nulls,
                                    GetLatestSnapshot(), InvalidSnapshot, false, true, 0);
  if (result < 0) elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
  return SPI_processed;
}

OwnerScope begin_writing_as_owner(Oid table) {
  require_trusted_triggers(table, table_owner(table));
  return begin_as_owner(table);
}

OwnerScope begin_as_owner(Oid table) {
  OwnerScope scope;
  GetUserIdAndSecContext(&scope.role, &scope.security_context);
  const Oid owner = table_owner(table);
  int context = scope.security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS;
  // What a trigger of the owner's leaves for the end of the transaction, such as a cursor WITH
  // HOLD, would run as the superuser who has called.
  if (superuser() && !superuser_arg(owner)) context |= SECURITY_RESTRICTED_OPERATION;
  SetUserIdAndSecContext(owner, context);
  scope.guc_level = pin_search_path();
  return scope;
}

void end_as_owner(const OwnerScope &scope) {
  restore_settings(scope.guc_level);
  SetUserIdAndSecContext(scope.role, scope.security_context);
}

}  // namespace b2neon
