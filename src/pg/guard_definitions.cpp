#include "pg/guard_definitions.h"

#include "pg/hide_statement.h"
#include "pg/server.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2neon_guard_definitions)

namespace b2neon {

namespace {

// Known from the first command on that could define something.
Oid extension_schema_of_guard = InvalidOid;
object_access_hook_type next_hook;

constexpr const char *kTables[] = {"b2_files", "b2_uploads", "b2_deletions", "b2_identity",
                                   "b2_lineage"};

// Whether the table is one of ours, and row-level security keeps the current role out of it. (With
// FORCE it applies to the owner too, who may define what they like.)
bool is_guarded(Oid table) {
  if (get_rel_namespace(table) != extension_schema_of_guard) return false;
  const char *name = get_rel_name(table);
  bool is_ours = false;
  for (const char *ours : kTables) is_ours = is_ours || (name && strcmp(name, ours) == 0);
  return is_ours && check_enable_rls(table, InvalidOid, true) == RLS_ENABLED &&
         !has_privs_of_role(GetUserId(), table_owner(table)) &&
         OidIsValid(get_extension_oid("b2neon", true));
}

[[noreturn]] void raise_guarded(const char *format, const char *name, Oid table) {
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg(format, GetUserNameFromId(GetUserId(), false), name, get_rel_name(table)),
           errdetail("Row-level security on the table applies to this role, and whoever changes "
                     "the table would run its code."),
           errhint("The owner of table \"%s\" can do it.", get_rel_name(table))));
  pg_unreachable();
}

// Calls `check` with a row of a catalog that may just have been made, which no usual snapshot shows
// yet.
template <class Check>
void with_row(Oid catalog, Oid index, AttrNumber oid_column, Oid object, Check check) {
  ScanKeyData key;
  ScanKeyInit(&key, oid_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
  Relation relation = table_open(catalog, AccessShareLock);
  SysScanDesc scan = systable_beginscan(relation, index, true, SnapshotSelf, 1, &key);
  HeapTuple row = systable_getnext(scan);
  if (HeapTupleIsValid(row)) check(row);
  systable_endscan(scan);
  table_close(relation, AccessShareLock);
}

void check_constraint(HeapTuple row) {
  const Form_pg_constraint constraint = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row));
  if (constraint->contype != CONSTRAINT_FOREIGN || !is_guarded(constraint->confrelid)) return;
  raise_guarded("role \"%s\" cannot let foreign key \"%s\" refer to table \"%s\"",
                NameStr(constraint->conname), constraint->confrelid);
}

void check_trigger(HeapTuple row) {
  const Form_pg_trigger trigger = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
  if (trigger->tgisinternal || !is_guarded(trigger->tgrelid)) return;
  raise_guarded("role \"%s\" cannot put trigger \"%s\" on table \"%s\"", NameStr(trigger->tgname),
                trigger->tgrelid);
}

// PostgreSQL lets whoever has USAGE on a server make a user mapping for themselves. The store would
// then be asked with a key of the caller's choice whether an upload is there.
void check_mapping(HeapTuple row) {
  const ForeignServer *server =
      GetForeignServer(reinterpret_cast<Form_pg_user_mapping>(GETSTRUCT(row))->umserver);
  if (!is_bucket(server) || has_privs_of_role(GetUserId(), server->owner)) return;
  const Oid files = get_relname_relid("b2_files", extension_schema_of_guard);
  if (OidIsValid(files) && check_enable_rls(files, InvalidOid, true) != RLS_ENABLED) return;
  const char *role = GetUserNameFromId(GetUserId(), false);
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), hide_statement(),
           errmsg("role \"%s\" cannot choose the application key for server \"%s\"", role,
                  server->servername),
           errdetail("Row-level security on b2_files applies to this role."),
           errhint("The mapping for PUBLIC is used, or one that the server's owner has made.")));
}

extern "C" {

// Runs when an object has been made or altered and nothing has been done with it yet. (A foreign
// key is checked against the rows that are there at the end of its command, with casts of its
// author's, as the owner of the table that it refers to.)
static void on_object_access(ObjectAccessType access, Oid catalog, Oid object, int column,
                             void *arguments) {
  if (next_hook) next_hook(access, catalog, object, column, arguments);
  if (!OidIsValid(extension_schema_of_guard)) return;
  const bool is_new = access == OAT_POST_CREATE;
  if (catalog == UserMappingRelationId && (is_new || access == OAT_POST_ALTER)) {
    with_row(catalog, UserMappingOidIndexId, Anum_pg_user_mapping_oid, object, check_mapping);
  } else if (catalog == ConstraintRelationId && is_new) {
    with_row(catalog, ConstraintOidIndexId, Anum_pg_constraint_oid, object, check_constraint);
  } else if (catalog == TriggerRelationId && is_new) {
    with_row(catalog, TriggerOidIndexId, Anum_pg_trigger_oid, object, check_trigger);
  }
}

}  // extern "C"

bool names_role(const RowSecurityPolicy *policy, Oid role) {
  const Oid *roles = reinterpret_cast<const Oid *>(ARR_DATA_PTR(policy->roles));
  for (int i = 0; i < ARR_DIMS(policy->roles)[0]; i++) {
    if (roles[i] == role) return true;
  }
  return false;
}

// DROP OWNED takes a role out of the policies that name it: in PostgreSQL 18 without asking the
// owner of the table, and for whoever has the rights of that role.
void check_drop_owned(Oid role) {
  for (const char *name : kTables) {
    const Oid table = get_relname_relid(name, extension_schema_of_guard);
    if (!OidIsValid(table) || !is_guarded(table)) continue;
    Relation relation = table_open(table, AccessShareLock);
    List *policies = relation->rd_rsdesc ? relation->rd_rsdesc->policies : NIL;
    ListCell *cell;
    foreach (cell, policies) {
      const RowSecurityPolicy *policy = static_cast<RowSecurityPolicy *>(lfirst(cell));
      if (!names_role(policy, role)) continue;
      const char *policy_name = pstrdup(policy->policy_name);
      ereport(ERROR,
              (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
               errmsg("role \"%s\" cannot drop what concerns role \"%s\"",
                      GetUserNameFromId(GetUserId(), false), GetUserNameFromId(role, false)),
               errdetail("Policy \"%s\" of table \"%s\" names that role.", policy_name, name),
               errhint("The owner of table \"%s\" can do it.", name)));
    }
    table_close(relation, AccessShareLock);
  }
}

}  // namespace

void guard_definitions(Oid schema) {
  if (!OidIsValid(extension_schema_of_guard)) {
    next_hook = object_access_hook;
    object_access_hook = on_object_access;
  }
  extension_schema_of_guard = schema;
}

}  // namespace b2neon

/// Event trigger before commands that can make triggers and foreign keys, and before DROP OWNED. It
/// has the library loaded by then. (The list of what was made that PostgreSQL has for event
/// triggers at the end of commands comes too late, and is empty where the command runs within
/// REFRESH MATERIALIZED VIEW.)
Datum b2neon_guard_definitions(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("b2neon_guard_definitions() can only be called as an event trigger")));
  }
  guard_definitions(extension_schema(fcinfo));
  Node *command = reinterpret_cast<EventTriggerData *>(fcinfo->context)->parsetree;
  if (IsA(command, DropOwnedStmt)) {
    ListCell *cell;
    foreach (cell, reinterpret_cast<DropOwnedStmt *>(command)->roles) {
      check_drop_owned(get_rolespec_oid(static_cast<RoleSpec *>(lfirst(cell)), false));
    }
  }
  return PointerGetDatum(nullptr);
}
