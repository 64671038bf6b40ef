#include "pg/caller.h"
#include "pg/lineage.h"
#include "pg/row_set.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2neon_maintenance)

namespace b2neon {

namespace {

// A row for every server that there is, or that something waits for.
Statement select_maintenance = {
    "SELECT s.name::name, d.waiting, d.failing, d.parked, d.oldest::timestamptz, "
    "CASE WHEN s.is_there THEN e.last_error::text ELSE 'There is no server of that name.' END, "
    "u.pending, u.expired "
    "FROM (SELECT name, bool_or(is_there) AS is_there FROM ("
    "SELECT f.srvname, true FROM pg_foreign_server f "
    "JOIN pg_foreign_data_wrapper w ON w.oid = f.srvfdw WHERE w.fdwname = 'b2neon' "
    "UNION ALL SELECT DISTINCT server, false FROM %1$s.b2_deletions WHERE done_xid IS NULL "
    "UNION ALL SELECT DISTINCT server, false FROM %1$s.b2_uploads) n (name, is_there) "
    "GROUP BY name) s, "
    "LATERAL (SELECT count(*) AS waiting, "
    "count(last_error) FILTER (WHERE next_attempt_at <> 'infinity') AS failing, "
    "count(*) FILTER (WHERE next_attempt_at = 'infinity') AS parked, min(queued_at) AS oldest "
    "FROM %1$s.b2_deletions WHERE server = s.name AND done_xid IS NULL) d, "
    "LATERAL (SELECT count(*) FILTER (WHERE registered_at IS NULL AND expires_at >= now()) "
    "AS pending, count(*) FILTER (WHERE expires_at < now()) AS expired "
    "FROM %1$s.b2_uploads WHERE server = s.name) u "
    "LEFT JOIN LATERAL (SELECT last_error FROM %1$s.b2_deletions "
    "WHERE server = s.name AND last_error IS NOT NULL "
    "ORDER BY attempts DESC, queued_at LIMIT 1) e ON true ORDER BY s.name",
    0,
    {}};

constexpr int kColumns = 9, kLineageProblem = 8;

}  // namespace

}  // namespace b2neon

/// b2neon_maintenance() → the rows of the view b2_maintenance
Datum b2neon_maintenance(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  RowSet rows(fcinfo);
  const Oid schema = extension_schema(fcinfo);
  require_unconfined(schema, "b2_maintenance");
  const char *problem = lineage_problem(schema);
  Datum values[kColumns] = {};
  bool nulls[kColumns] = {};
  nulls[kLineageProblem] = !problem;
  if (problem) values[kLineageProblem] = CStringGetTextDatum(problem);

  SPI_connect();
  const OwnerScope owner = begin_as_owner(require_table(schema, "b2_deletions"));
  const uint64 count = execute(select_maintenance, schema, nullptr, nullptr, true);
  end_as_owner(owner);
  for (uint64 i = 0; i < count; i++) {
    heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
    rows.add(values, nulls);
  }
  SPI_finish();
  PG_RETURN_NULL();
}
