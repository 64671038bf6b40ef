#include "pg/settings.h"
#include "pg/spi_row.h"
#include "pg/tables.h"
#include "pg/trigger_data.h"

B2NEON_SQL_FUNCTION(b2neon_queue_deletions)
B2NEON_SQL_FUNCTION(b2neon_check_named)

namespace b2neon {

namespace {

// Whether a key has the form of those that are made for a server. Such a key has only versions that
// were uploaded by its URLs, so that all of them can go.
#define IS_GENERATED                                                    \
  "(starts_with(r.object_key COLLATE \"C\", s.key_prefix) "             \
  "AND substr(r.object_key, length(s.key_prefix) + 1) COLLATE \"C\" ~ " \
  "'^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-[^/]*$')"

#define SERVERS                                                                                   \
  "(SELECT f.srvname, "                                                                           \
  "coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'key_prefix'), '') AS key_prefix, " \
  "coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'upload_grace'), '86400')::int "    \
  "AS upload_grace FROM pg_foreign_server f, pg_options_to_table(f.srvoptions) o "                \
  "GROUP BY f.srvname)"

// Under a key of somebody's choice there may be versions that were there before; those stay.
#define SINCE "CASE WHEN NOT u.generated THEN u.issued_at END"

// A row that names no object, which a table that was there before the extension may have, leaves
// none behind. Where the version is not known, all of them have to go. The subquery is not joined
// in another way, so that a plan made for many rows does for a single one.
#define INSERT_NAMED_BY(rows)                                                            \
  "INSERT INTO %1$s.b2_deletions (server, object_key, version_id, all_versions, since) " \
  "SELECT r.server, r.object_key, nullif(r.version_id, ''), "                            \
  "coalesce(r.version_id, '') = '' OR u.issued_at IS NOT NULL "                          \
  "OR coalesce(" IS_GENERATED ", false), " SINCE " FROM " rows " r LEFT JOIN " SERVERS   \
  " s ON s.srvname = r.server "                                                          \
  "LEFT JOIN LATERAL (SELECT issued_at, generated FROM %1$s.b2_uploads p "               \
  "WHERE p.object_key = r.object_key OFFSET 0) u ON true "                               \
  "WHERE r.server IS NOT NULL AND r.object_key IS NOT NULL"

// What a changed row names still is not replaced. That a row says at last which version it means
// replaces nothing either.
#define REPLACED_ROWS                                                                  \
  "(SELECT server, object_key, version_id FROM old_rows WHERE version_id IS NOT NULL " \
  "EXCEPT SELECT server, object_key, version_id FROM new_rows "                        \
  "UNION ALL (SELECT server, object_key, NULL FROM old_rows WHERE version_id IS NULL " \
  "EXCEPT SELECT server, object_key, NULL FROM new_rows))"

Statement queue_deleted = {INSERT_NAMED_BY("old_rows"), 0, {}};
Statement queue_replaced = {INSERT_NAMED_BY(REPLACED_ROWS), 0, {}};
Statement queue_all_files = {INSERT_NAMED_BY("%1$s.b2_files"), 0, {}};

// What was uploaded by a URL: how often, nobody knows. A PUT that has begun before the URL expired
// ends within the server's upload_grace; what is uploaded until then goes then.
#define INSERT_UPLOADS(rows)                                                                    \
  "INSERT INTO %1$s.b2_deletions (server, object_key, all_versions, since, next_attempt_at) "   \
  "SELECT u.server, u.object_key, true, " SINCE ", due.time FROM " rows " u LEFT JOIN " SERVERS \
  " s ON s.srvname = u.server, LATERAL (SELECT u.expires_at "                                   \
  "+ make_interval(secs => coalesce(s.upload_grace, 86400))) last (put), "                      \
  "LATERAL (SELECT now() UNION ALL SELECT last.put "                                            \
  "WHERE last.put > now() AND isfinite(last.put)) due (time) WHERE NOT u.kept"

Statement queue_uploads = {INSERT_UPLOADS("old_rows"), 0, {}};
Statement queue_all_uploads = {INSERT_UPLOADS("%1$s.b2_uploads"), 0, {}};

// The URL of a file that is kept may be in use still; its row stays, and its object with it.
#define KEEP_NAMED_BY(rows) \
  "UPDATE %1$s.b2_uploads u SET kept = true FROM " rows " r WHERE u.object_key = r.object_key"

Statement keep_deleted = {KEEP_NAMED_BY("old_rows"), 0, {}};
Statement keep_replaced = {KEEP_NAMED_BY(REPLACED_ROWS), 0, {}};
Statement keep_all_files = {KEEP_NAMED_BY("%1$s.b2_files"), 0, {}};

// What may be queued for them already is not carried out: now that no row names the version any
// more, nothing else would protect it.
#define FORGET_NAMED_BY(rows)                                               \
  "DELETE FROM %1$s.b2_deletions d USING " rows                             \
  " r WHERE d.object_key = r.object_key "                                   \
  "AND (d.all_versions OR d.version_id IS NULL OR r.version_id IS NULL OR " \
  "d.version_id = r.version_id)"

Statement forget_deleted = {FORGET_NAMED_BY("old_rows"), 0, {}};
Statement forget_replaced = {FORGET_NAMED_BY(REPLACED_ROWS), 0, {}};
Statement forget_all_files = {FORGET_NAMED_BY("%1$s.b2_files"), 0, {}};

// Whether an object is named from now on that may be gone: its entry has begun, or b2_maintain()
// has locked it to that end. The other entries are locked here, so that it leaves them alone until
// this transaction ends. A lock shows the entry as it is when it is locked.
#define MAY_BE_GONE(rows)                                                                    \
  "WITH named AS (SELECT DISTINCT object_key, version_id FROM " rows                         \
  " n), "                                                                                    \
  "queued AS (SELECT FROM named n, LATERAL (SELECT FROM %1$s.b2_deletions d "                \
  "WHERE d.object_key = n.object_key AND (d.all_versions OR n.version_id IS NULL "           \
  "OR d.version_id = n.version_id) OFFSET 0) q), "                                           \
  "locked AS (SELECT q.began FROM named n, LATERAL (SELECT d.began_at IS NOT NULL AS began " \
  "FROM %1$s.b2_deletions d WHERE d.object_key = n.object_key AND (d.all_versions "          \
  "OR n.version_id IS NULL OR d.version_id = n.version_id) FOR KEY SHARE SKIP LOCKED) q) "   \
  "SELECT (SELECT count(*) FROM queued) > (SELECT count(*) FROM locked) "                    \
  "OR EXISTS (SELECT FROM locked WHERE began)"

Statement inserted_may_be_gone = {MAY_BE_GONE("new_rows"), 0, {}};
Statement updated_may_be_gone = {
    MAY_BE_GONE("(SELECT server, object_key, version_id FROM new_rows "
                "EXCEPT SELECT server, object_key, version_id FROM old_rows)"),
    0,
    {}};

// What a trigger does, and to which of the internal tables.
struct Consequence {
  const char *target;
  Statement *statement;
};

void run(Oid schema, const Consequence &consequence) {
  const OwnerScope owner = begin_writing_as_owner(require_table(schema, consequence.target));
  plan_by_index();
  execute_up_to_date(*consequence.statement, schema, nullptr, nullptr);
  end_as_owner(owner);
}

// The owner of a table that is truncated can read all of its rows, and can write to the target as
// long as both tables have one owner, as they have at first.
void run_before_truncation(Oid schema, Oid table, const Consequence &consequence) {
  // Looks at the target's triggers; what follows has the same rights or fewer.
  end_as_owner(begin_writing_as_owner(require_table(schema, consequence.target)));
  const OwnerScope owner = begin_as_owner(table);
  execute_up_to_date(*consequence.statement, schema, nullptr, nullptr);
  end_as_owner(owner);
}

void check_named(Oid schema, Statement &may_be_gone) {
  const OwnerScope owner = begin_as_owner(require_table(schema, "b2_deletions"));
  plan_by_index();
  execute_up_to_date(may_be_gone, schema, nullptr, nullptr);
  bool is_null;
  const bool is_refused = DatumGetBool(SpiRow().datum(1, BOOLOID, &is_null));
  end_as_owner(owner);
  if (!is_refused) return;
  ereport(ERROR,
          (errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("an object of that key is being deleted"),
           errdetail("b2_maintain() is working on it, or has just done so."),
           errhint("Try again in a moment, and look whether the object is still there.")));
}

// Those whom row-level security applies to cannot keep objects. A cascade of foreign keys, or a
// function that is SECURITY DEFINER, runs with the rights of an owner, whoever has set it off.
bool keeps_objects(Oid table) {
  if (!keep_objects()) return false;
  const Oid role = InLocalUserIdChange() ? GetOuterUserId() : GetUserId();
  return check_enable_rls(table, role, true) != RLS_ENABLED;
}

// The rows of a trigger are read with the rights of whoever owns the queue.
void require_file_columns(Oid files) {
  require_column(files, "server", NAMEOID);
  require_column(files, "object_key", TEXTOID);
  require_column(files, "version_id", TEXTOID);
}

void require_upload_columns(Oid uploads) {
  require_column(uploads, "server", NAMEOID);
  require_column(uploads, "object_key", TEXTOID);
  require_column(uploads, "issued_at", TIMESTAMPTZOID);
  require_column(uploads, "expires_at", TIMESTAMPTZOID);
  require_column(uploads, "generated", BOOLOID);
  require_column(uploads, "kept", BOOLOID);
}

void queue_files(Oid schema, Oid files, TriggerEvent event) {
  if (TRIGGER_FIRED_BY_TRUNCATE(event)) {
    run_before_truncation(schema, files, {"b2_deletions", &queue_all_files});
  } else {
    const bool is_update = TRIGGER_FIRED_BY_UPDATE(event);
    run(schema, {"b2_deletions", is_update ? &queue_replaced : &queue_deleted});
  }
}

// The uploads come first: who lets one go that is kept here has queued it before this goes on.
void keep_files(Oid schema, Oid files, TriggerEvent event) {
  if (TRIGGER_FIRED_BY_TRUNCATE(event)) {
    run_before_truncation(schema, files, {"b2_uploads", &keep_all_files});
    run_before_truncation(schema, files, {"b2_deletions", &forget_all_files});
  } else {
    const bool is_update = TRIGGER_FIRED_BY_UPDATE(event);
    run(schema, {"b2_uploads", is_update ? &keep_replaced : &keep_deleted});
    run(schema, {"b2_deletions", is_update ? &forget_replaced : &forget_deleted});
  }
}

void on_files(Oid schema, Oid files, TriggerEvent event) {
  require_file_columns(files);
  if (keeps_objects(files)) {
    keep_files(schema, files, event);
  } else {
    queue_files(schema, files, event);
  }
  if (TRIGGER_FIRED_BY_UPDATE(event)) check_named(schema, updated_may_be_gone);
}

void on_uploads(Oid schema, Oid uploads, TriggerEvent event) {
  if (keeps_objects(uploads)) return;
  require_upload_columns(uploads);
  if (TRIGGER_FIRED_BY_TRUNCATE(event)) {
    run_before_truncation(schema, uploads, {"b2_deletions", &queue_all_uploads});
  } else {
    run(schema, {"b2_deletions", &queue_uploads});
  }
}

}  // namespace

}  // namespace b2neon

/// Trigger of b2_files (after DELETE and UPDATE, before TRUNCATE) and of b2_uploads (after DELETE,
/// before TRUNCATE): queues the objects that no row names any more.
Datum b2neon_queue_deletions(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  TriggerData *trigger = trigger_data(fcinfo, "b2neon_queue_deletions");
  const Oid schema = extension_schema(fcinfo);
  const Oid table = RelationGetRelid(trigger->tg_relation);
  const TriggerEvent event = trigger->tg_event;
  const bool is_files = table == require_table(schema, "b2_files");
  // On a table of somebody's own it would queue whatever they like.
  if (!is_files && table != require_table(schema, "b2_uploads")) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("b2neon_queue_deletions() belongs to b2_files and b2_uploads alone")));
  }
  // After an INSERT it would queue objects that rows name.
  if (!TRIGGER_FIRED_BY_DELETE(event) && !TRIGGER_FIRED_BY_TRUNCATE(event) &&
      !(is_files && TRIGGER_FIRED_BY_UPDATE(event))) {
    ereport(ERROR,
            (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
             errmsg("b2neon_queue_deletions() must be fired by DELETE, UPDATE or TRUNCATE")));
  }
  SPI_connect();
  if (!TRIGGER_FIRED_BY_TRUNCATE(event)) SPI_register_trigger_data(trigger);
  if (is_files) {
    on_files(schema, table, event);
  } else {
    on_uploads(schema, table, event);
  }
  SPI_finish();
  return PointerGetDatum(nullptr);
}

/// Trigger after INSERT into b2_files: an error where a row names an object that is being deleted.
Datum b2neon_check_named(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  TriggerData *trigger = trigger_data(fcinfo, "b2neon_check_named");
  const Oid schema = extension_schema(fcinfo);
  if (RelationGetRelid(trigger->tg_relation) != require_table(schema, "b2_files") ||
      !TRIGGER_FIRED_BY_INSERT(trigger->tg_event)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("b2neon_check_named() belongs to b2_files alone, after INSERT")));
  }
  require_file_columns(RelationGetRelid(trigger->tg_relation));
  SPI_connect();
  SPI_register_trigger_data(trigger);
  check_named(schema, inserted_may_be_gone);
  SPI_finish();
  return PointerGetDatum(nullptr);
}
