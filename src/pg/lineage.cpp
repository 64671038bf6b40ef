#include "pg/lineage.h"

#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/spi_row.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_take_over)
B2NEON_SQL_FUNCTION(b2_lineage_problem)

namespace b2neon {

namespace {

struct Lineage {
  const char *system_identifier;
  const char *database_oid;
  const char *timeline;  // nullptr: there is none
};

// Neon's branches are copies with the same system identifier and the same OIDs.
Lineage this_database() {
  const char *timeline = GetConfigOption("neon.timeline_id", true, false);
  return {psprintf(UINT64_FORMAT, GetSystemIdentifier()), psprintf("%u", MyDatabaseId),
          timeline && *timeline != '\0' ? pstrdup(timeline) : nullptr};
}

Statement select_lineage = {
    "SELECT system_identifier, database_oid::text, timeline FROM %1$s.b2_lineage", 0, {}};

Statement delete_lineage = {"DELETE FROM %1$s.b2_lineage", 0, {}};

Statement insert_lineage = {
    "INSERT INTO %1$s.b2_lineage (system_identifier, database_oid, timeline) "
    "VALUES ($1, $2::oid, $3)",
    3,
    {TEXTOID, TEXTOID, TEXTOID}};

// What was pending when a backup was made can have been registered since: it is not swept before
// somebody had the time to see to that.
Statement reopen_uploads = {
    "UPDATE %1$s.b2_uploads SET expires_at = now() "
    "WHERE registered_at IS NULL AND expires_at < now()",
    0,
    {}};

// What the table says: in the current memory context.
std::span<const Lineage> find_lineages(Oid schema) {
  SPI_connect();
  const OwnerScope owner = begin_as_owner(require_table(schema, "b2_lineage"));
  const uint64 count = execute(select_lineage, schema, nullptr, nullptr, false);
  Lineage *lineages = static_cast<Lineage *>(SPI_palloc(count * sizeof(Lineage) + 1));
  for (uint64 i = 0; i < count; i++) {
    const SpiRow row(i);
    lineages[i] = {row.text(1).data(), row.text(2).data(), row.text(3).data()};
  }
  end_as_owner(owner);
  SPI_finish();
  return {lineages, count};
}

// Why the two are not the same database.
const char *difference(const Lineage &owner, const Lineage &here) {
  if (strcmp(owner.system_identifier, here.system_identifier) != 0) {
    return psprintf(
        "The objects belong to a database of the cluster with the system identifier %s, "
        "and this one is %s.",
        owner.system_identifier, here.system_identifier);
  }
  if (strcmp(owner.database_oid, here.database_oid) != 0) {
    return psprintf(
        "The objects belong to the database with OID %s of this cluster, and this is "
        "%s.",
        owner.database_oid, here.database_oid);
  }
  const bool is_same_timeline = owner.timeline && here.timeline
                                    ? strcmp(owner.timeline, here.timeline) == 0
                                    : !owner.timeline && !here.timeline;
  if (is_same_timeline) return nullptr;
  return psprintf("The objects belong to timeline %s, and this is %s.",
                  owner.timeline ? owner.timeline : "none", here.timeline ? here.timeline : "none");
}

}  // namespace

const char *lineage_problem(Oid schema) {
  const std::span<const Lineage> owners = find_lineages(schema);
  if (owners.empty()) return "It is not known which database the objects belong to.";
  const Lineage here = this_database();
  for (const Lineage &owner : owners) {
    if (const char *problem = difference(owner, here)) return problem;
  }
  return nullptr;
}

void require_lineage(Oid schema, const char *function) {
  const char *problem = lineage_problem(schema);
  if (!problem) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("%s is not for a copy of the database that the objects belong to", function),
           errdetail_internal("%s", problem),
           errhint("If the original is gone, or does not use the bucket any more, SELECT "
                   "b2_take_over() makes this database the one that deletes objects.")));
}

}  // namespace b2neon

/// b2_take_over(): makes this database the one whose rows decide on the objects. Where it was
/// another one, uploads that were not registered have their grace anew.
Datum b2_take_over(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  const Oid schema = extension_schema(fcinfo);
  require_unconfined(schema, "b2_take_over()");
  const Lineage here = this_database();
  const Datum values[3] = {CStringGetTextDatum(here.system_identifier),
                           CStringGetTextDatum(here.database_oid),
                           here.timeline ? CStringGetTextDatum(here.timeline) : 0};
  const char nulls[3] = {' ', ' ', here.timeline ? ' ' : 'n'};
  const bool is_another = lineage_problem(schema);
  SPI_connect();
  if (is_another) {
    const OwnerScope uploads_owner = begin_writing_as_owner(require_table(schema, "b2_uploads"));
    execute(reopen_uploads, schema, nullptr, nullptr, false);
    end_as_owner(uploads_owner);
  }
  const OwnerScope owner = begin_writing_as_owner(require_table(schema, "b2_lineage"));
  execute(delete_lineage, schema, nullptr, nullptr, false);
  execute(insert_lineage, schema, values, nulls, false);
  end_as_owner(owner);
  SPI_finish();
  PG_RETURN_VOID();
}

/// b2_lineage_problem(): why this database may not delete objects; NULL where it may.
Datum b2_lineage_problem(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  const Oid schema = extension_schema(fcinfo);
  require_unconfined(schema, "b2_lineage_problem()");
  const char *problem = lineage_problem(schema);
  if (!problem) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(cstring_to_text(problem));
}
