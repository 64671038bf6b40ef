#include "pg/deletions.h"

#include "pg/arguments.h"
#include "pg/settings.h"
#include "pg/spi_row.h"
#include "pg/tables.h"

namespace b2neon {

namespace {

Statement select_due = {
    "SELECT id, began_at IS NULL FROM %1$s.b2_deletions "
    "WHERE server = $1 AND next_attempt_at <= $2 AND queued_at <= $3 AND done_xid IS NULL "
    "ORDER BY next_attempt_at LIMIT $4 FOR UPDATE SKIP LOCKED",
    4,
    {NAMEOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID}};

Statement update_begun = {
    "UPDATE %1$s.b2_deletions SET began_at = clock_timestamp() "
    "WHERE id = ANY ($1) AND began_at IS NULL",
    1,
    {UUIDARRAYOID}};

// Another session may have worked on them since.
Statement select_begun = {
    "SELECT id, object_key, coalesce(version_id, ''), all_versions, coalesce(since, '-infinity') "
    "FROM %1$s.b2_deletions WHERE id = ANY ($1) AND began_at IS NOT NULL AND done_xid IS NULL "
    "AND next_attempt_at <= clock_timestamp() FOR UPDATE SKIP LOCKED",
    1,
    {UUIDARRAYOID}};

Statement delete_named = {"DELETE FROM %1$s.b2_deletions WHERE id = ANY ($1)", 1, {UUIDARRAYOID}};

Statement update_gone = {
    "UPDATE %1$s.b2_deletions SET done_xid = $2, next_attempt_at = 'infinity', last_error = NULL "
    "WHERE id = ANY ($1)",
    2,
    {UUIDARRAYOID, XID8OID}};

Statement delete_done = {
    "DELETE FROM %1$s.b2_deletions WHERE done_xid IS NOT NULL "
    "AND done_xid <= pg_snapshot_xmin(pg_current_snapshot())",
    0,
    {}};

// The object is still there, and may be named again.
Statement update_not_begun = {
    "UPDATE %1$s.b2_deletions SET began_at = NULL WHERE id = ANY ($1)", 1, {UUIDARRAYOID}};

// The second attempt is due after a minute, and each one after twice the time, up to a day. After
// 12, which takes two days and a half, an entry is parked.
Statement update_refused = {
    "UPDATE %1$s.b2_deletions d SET attempts = d.attempts + 1, last_error = f.error, "
    "next_attempt_at = CASE WHEN d.attempts + 1 >= 12 THEN 'infinity' ELSE clock_timestamp() "
    "+ least(interval '1 minute' * power(2, d.attempts), interval '1 day') END "
    "FROM unnest($1, $2) AS f (id, error) WHERE d.id = f.id RETURNING next_attempt_at = 'infinity'",
    2,
    {UUIDARRAYOID, TEXTARRAYOID}};

// That a store is away is not an object's fault.
Statement update_not_asked = {
    "UPDATE %1$s.b2_deletions d SET last_error = f.error "
    "FROM unnest($1, $2) AS f (id, error) WHERE d.id = f.id AND d.last_error IS DISTINCT FROM "
    "f.error",
    2,
    {UUIDARRAYOID, TEXTARRAYOID}};

Statement update_undecided = {
    "UPDATE %1$s.b2_deletions SET next_attempt_at = clock_timestamp() + interval '10 seconds' "
    "WHERE id = ANY ($1)",
    1,
    {UUIDARRAYOID}};

Statement select_counts = {
    "SELECT (SELECT count(*) FROM %1$s.b2_deletions "
    "WHERE server = $1 AND next_attempt_at <= $2 AND queued_at <= $3 AND done_xid IS NULL), "
    "(SELECT count(*) FROM %1$s.b2_uploads WHERE server = $1 AND expires_at < $4)",
    4,
    {NAMEOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID}};

// The names of servers in a table, by one look at its index for each.
#define NAMES_IN(table, names)                                            \
  "(SELECT server FROM %1$s." table                                       \
  " ORDER BY server LIMIT 1) UNION ALL "                                  \
  "SELECT (SELECT t.server FROM %1$s." table " t WHERE t.server > " names \
  ".server "                                                              \
  "ORDER BY t.server LIMIT 1) FROM " names " WHERE " names ".server IS NOT NULL"

Statement select_missing_servers = {
    "WITH RECURSIVE d (server) AS (" NAMES_IN("b2_deletions", "d") "), "
    "u (server) AS (" NAMES_IN("b2_uploads", "u") ") "
    "SELECT FROM (TABLE d UNION TABLE u) n WHERE server IS NOT NULL "
    "AND NOT EXISTS (SELECT FROM pg_foreign_server s WHERE s.srvname = n.server)",
    0,
    {}};

Statement delete_expired = {
    "DELETE FROM %1$s.b2_uploads WHERE object_key = ANY (ARRAY("
    "SELECT object_key FROM %1$s.b2_uploads WHERE server = $1 AND expires_at < $2 "
    "ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED))",
    3,
    {NAMEOID, TIMESTAMPTZOID, INT4OID}};

Statement select_queued = {
    "SELECT FROM %1$s.b2_deletions WHERE object_key = $1 AND done_xid IS NULL LIMIT 1",
    1,
    {TEXTOID}};

Datum uuid_array(Datum *ids, int count) {
  return PointerGetDatum(construct_array(ids, count, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
}

Datum id_array(std::span<const BegunEntry> entries) {
  Datum *ids = static_cast<Datum *>(palloc(entries.size() * sizeof(Datum) + 1));
  int count = 0;
  for (const BegunEntry &entry : entries) ids[count++] = UUIDPGetDatum(&entry.id);
  return uuid_array(ids, count);
}

BegunEntry find_entry(std::span<const BegunEntry> entries, const pg_uuid_t &id) {
  for (const BegunEntry &entry : entries) {
    if (memcmp(&entry.id, &id, sizeof id) == 0) return entry;
  }
  elog(ERROR, "entry of b2_deletions was not asked for");
}

Deletion read_row(uint64 row, std::span<const BegunEntry> entries) {
  const SpiRow values(row);
  bool is_null;
  Deletion deletion = {};
  deletion.entry = find_entry(entries, *DatumGetUUIDP(values.datum(1, UUIDOID, &is_null)));
  deletion.object_key = values.text(2);
  deletion.version_id = values.text(3);
  deletion.all_versions = DatumGetBool(values.datum(4, BOOLOID, &is_null));
  deletion.since = DatumGetTimestampTz(values.datum(5, TIMESTAMPTZOID, &is_null));
  return deletion;
}

// Some of the entries, as arrays for a statement.
struct Settled {
  Datum *ids;
  Datum *errors;
  int count = 0;

  Settled(std::span<const Deletion> deletions, bool (*is_meant)(const Deletion &)) {
    ids = static_cast<Datum *>(palloc(deletions.size() * sizeof(Datum) + 1));
    errors = static_cast<Datum *>(palloc(deletions.size() * sizeof(Datum) + 1));
    for (const Deletion &deletion : deletions) {
      if (!is_meant(deletion)) continue;
      ids[count] = UUIDPGetDatum(&deletion.entry.id);
      errors[count++] = CStringGetTextDatum(deletion.error ? deletion.error : "");
    }
  }

  Datum id_array() const { return uuid_array(ids, count); }
  Datum error_array() const {
    return PointerGetDatum(construct_array(errors, count, TEXTOID, -1, false, TYPALIGN_INT));
  }

  // Returns the number of rows.
  uint64 update(Oid schema, Statement &statement) const {
    if (count == 0) return 0;
    const Datum values[2] = {id_array(), statement.parameter_count > 1 ? error_array() : 0};
    return execute(statement, schema, values, nullptr, false);
  }
};

// Where it had begun before, versions can have been deleted then.
bool is_gone(const Deletion &deletion) {
  return deletion.outcome == Outcome::kGone && (deletion.may_be_gone || !deletion.entry.is_new);
}
bool is_named(const Deletion &deletion) {
  return deletion.outcome == Outcome::kGone && !is_gone(deletion);
}
bool is_refused(const Deletion &deletion) {
  return deletion.outcome == Outcome::kRefused;
}
bool is_not_asked(const Deletion &deletion) {
  return deletion.outcome == Outcome::kNotAsked;
}
bool is_undecided(const Deletion &deletion) {
  return deletion.outcome == Outcome::kUndecided;
}
bool has_not_begun(const Deletion &deletion) {
  return deletion.outcome != Outcome::kGone && deletion.entry.is_new && !deletion.may_be_gone;
}

// What rows say of the objects, in two looks: see pg/naming.h.
void find_namings(const NamingRows &rows, const Server *server, std::span<Deletion> deletions) {
  List *other_buckets = servers_of_other_buckets(server);
  SnapshotData dirty;
  InitDirtySnapshot(dirty);
  for (Deletion &deletion : deletions) {
    add_naming(rows, deletion.object_key, other_buckets, &dirty, &deletion.naming);
  }
  const Snapshot committed = RegisterSnapshot(GetLatestSnapshot());
  for (Deletion &deletion : deletions) {
    add_naming(rows, deletion.object_key, other_buckets, committed, &deletion.naming);
    if (!deletion.naming.is_decided) deletion.outcome = Outcome::kUndecided;
  }
  UnregisterSnapshot(committed);
}

// With synchronous_commit = off a transaction can be seen before it is on disk. A crash would then
// take back that a row was deleted whose object is gone by then. So all that could be seen goes to
// disk first: up to a record of our own, which comes after it.
void flush_what_was_seen() {
#if PG_VERSION_NUM >= 170000
  LogLogicalMessage("b2neon", "", 0, false, true);
#else
  XLogFlush(LogLogicalMessage("b2neon", "", 0, false));
#endif
}

}  // namespace

std::span<const BegunEntry> begin_deletions(Oid schema, const DueEntries &due) {
  const Datum values[4] = {name_datum(due.server), TimestampTzGetDatum(GetCurrentTimestamp()),
                           TimestampTzGetDatum(due.queued_before), Int32GetDatum(due.limit)};
  // Nothing begins while somebody keeps the rows locked by which it is decided.
  close_naming_rows(open_naming_rows(schema));
  const OwnerScope owner = begin_writing_as_owner(require_table(schema, "b2_deletions"));
  plan_by_index();
  const uint64 count = execute(select_due, schema, values, nullptr, false);
  BegunEntry *entries = static_cast<BegunEntry *>(SPI_palloc(count * sizeof(BegunEntry) + 1));
  for (uint64 i = 0; i < count; i++) {
    const SpiRow row(i);
    bool is_null;
    entries[i].id = *DatumGetUUIDP(row.datum(1, UUIDOID, &is_null));
    entries[i].is_new = DatumGetBool(row.datum(2, BOOLOID, &is_null));
  }
  const Datum ids = id_array({entries, count});
  if (count > 0) execute(update_begun, schema, &ids, nullptr, false);
  end_as_owner(owner);
  return {entries, count};
}

std::span<Deletion> claim_deletions(Oid schema, const Server *server,
                                    std::span<const BegunEntry> entries) {
  // Before there are locks to wait with.
  const NamingRows rows = open_naming_rows(schema);
  const Datum ids = id_array(entries);
  const OwnerScope owner = begin_writing_as_owner(require_table(schema, "b2_deletions"));
  plan_by_index();
  const uint64 count = execute(select_begun, schema, &ids, nullptr, false);
  end_as_owner(owner);
  Deletion *deletions = static_cast<Deletion *>(SPI_palloc(count * sizeof(Deletion) + 1));
  for (uint64 i = 0; i < count; i++) deletions[i] = read_row(i, entries);
  find_namings(rows, server, {deletions, count});
  close_naming_rows(rows);
  if (count > 0) flush_what_was_seen();
  return {deletions, count};
}

uint64 settle_deletions(Oid schema, std::span<const Deletion> deletions) {
  const OwnerScope owner = begin_writing_as_owner(require_table(schema, "b2_deletions"));
  plan_by_index();
  Settled(deletions, is_named).update(schema, delete_named);
  // Whoever has written a row that names one of them has a transaction id by now.
  const Settled gone(deletions, is_gone);
  const Datum values[2] = {gone.id_array(), FullTransactionIdGetDatum(ReadNextFullTransactionId())};
  if (gone.count > 0) execute(update_gone, schema, values, nullptr, false);
  Settled(deletions, has_not_begun).update(schema, update_not_begun);
  Settled(deletions, is_not_asked).update(schema, update_not_asked);
  Settled(deletions, is_undecided).update(schema, update_undecided);
  const uint64 refused = Settled(deletions, is_refused).update(schema, update_refused);
  uint64 parked = 0;
  for (uint64 i = 0; i < refused; i++) {
    bool is_null;
    parked += DatumGetBool(SpiRow(i).datum(1, BOOLOID, &is_null));
  }
  end_as_owner(owner);
  return parked;
}

void purge_deletions(Oid schema) {
  const OwnerScope owner = begin_writing_as_owner(require_table(schema, "b2_deletions"));
  plan_by_index();
  execute(delete_done, schema, nullptr, nullptr, false);
  end_as_owner(owner);
}

DueCounts count_due(Oid schema, const DueEntries &due, TimestampTz expired_before) {
  const Datum values[4] = {name_datum(due.server), TimestampTzGetDatum(GetCurrentTimestamp()),
                           TimestampTzGetDatum(due.queued_before),
                           TimestampTzGetDatum(expired_before)};
  const OwnerScope owner = begin_as_owner(require_table(schema, "b2_deletions"));
  execute(select_counts, schema, values, nullptr, false);
  bool is_null;
  const DueCounts counts = {DatumGetInt64(SpiRow().datum(1, INT8OID, &is_null)),
                            DatumGetInt64(SpiRow().datum(2, INT8OID, &is_null))};
  end_as_owner(owner);
  return counts;
}

uint64 count_missing_servers(Oid schema) {
  const OwnerScope owner = begin_as_owner(require_table(schema, "b2_deletions"));
  plan_by_index();
  const uint64 count = execute(select_missing_servers, schema, nullptr, nullptr, false);
  end_as_owner(owner);
  return count;
}

uint64 sweep_uploads(Oid schema, std::string_view server, TimestampTz expired_before, int limit) {
  const Datum values[3] = {name_datum(server), TimestampTzGetDatum(expired_before),
                           Int32GetDatum(limit)};
  const OwnerScope owner = begin_writing_as_owner(require_table(schema, "b2_uploads"));
  ignore_keep_objects();
  plan_by_index();
  const uint64 count = execute(delete_expired, schema, values, nullptr, false);
  end_as_owner(owner);
  return count;
}

bool is_queued(Oid schema, std::string_view object_key) {
  const Datum key = text_datum(object_key);
  const OwnerScope owner = begin_as_owner(require_table(schema, "b2_deletions"));
  const bool found = execute_up_to_date(select_queued, schema, &key, nullptr) > 0;
  end_as_owner(owner);
  return found;
}

}  // namespace b2neon
