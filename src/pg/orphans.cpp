#include "pg/answer.h"
#include "pg/arguments.h"
#include "pg/bucket_listing.h"
#include "pg/caller.h"
#include "pg/failure.h"
#include "pg/lineage.h"
#include "pg/row_set.h"
#include "pg/spi_row.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_orphans)

namespace b2neon {

namespace {

constexpr int kPrefix = 0, kOlderThan = 1, kServer = 2;

// Which versions of a page nothing in the database names. What is queued or was issued a URL for
// is taken care of by b2_maintain(). A row whose server is not there (any more) counts for all. The
// subqueries are not joined in another way, so that the plan does for a queue of any length.
Statement select_unnamed = {
    "SELECT p.place FROM unnest($1, $2) WITH ORDINALITY AS p (object_key, version_id, place) "
    "LEFT JOIN LATERAL (SELECT true AS found FROM %1$s.b2_files f "
    "WHERE f.object_key = p.object_key AND (f.server IS NULL OR f.server <> ALL ($3)) "
    "AND (f.version_id IS NULL OR f.version_id = p.version_id) LIMIT 1) f ON true "
    "LEFT JOIN LATERAL (SELECT true AS found FROM %1$s.b2_uploads u "
    "WHERE u.object_key = p.object_key AND u.server <> ALL ($3) AND NOT u.kept LIMIT 1) u ON true "
    "LEFT JOIN LATERAL (SELECT true AS found FROM %1$s.b2_deletions d "
    "WHERE d.object_key = p.object_key AND d.server <> ALL ($3) "
    "AND (d.all_versions OR d.version_id IS NULL OR d.version_id = p.version_id) LIMIT 1) d ON "
    "true "
    "WHERE f.found IS NULL AND u.found IS NULL AND d.found IS NULL ORDER BY p.place",
    3,
    {TEXTARRAYOID, TEXTARRAYOID, NAMEARRAYOID}};

struct Search {
  Oid schema;
  const Server *server;
  Datum other_buckets;      // name[]: the servers that are another bucket
  std::string_view prefix;  // in UTF-8
  TimestampTz before;
  RowSet *rows;
};

Datum text_array(const Datum *texts, size_t count) {
  return PointerGetDatum(construct_array(const_cast<Datum *>(texts), static_cast<int>(count),
                                         TEXTOID, -1, false, TYPALIGN_INT));
}

// 0 where the database's encoding cannot have the key.
Datum key_datum(const std::string &key) {
  const int size = static_cast<int>(key.size());
  if (GetDatabaseEncoding() == PG_UTF8) {
    if (pg_verifymbstr(key.data(), size, true)) return text_datum(key);
    ereport(WARNING, (errmsg("an object was left out whose key is not valid UTF-8")));
    return 0;
  }
  return CStringGetTextDatum(pg_any_to_server(key.data(), size, PG_UTF8));
}

Datum name_array(List *names) {
  Datum *items = static_cast<Datum *>(palloc(list_length(names) * sizeof(Datum) + 1));
  int count = 0;
  ListCell *cell;
  foreach (cell, names) items[count++] = name_datum(static_cast<char *>(lfirst(cell)));
  return PointerGetDatum(construct_array(items, count, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
}

void add_row(const Search &search, const ObjectVersion &version, Datum key) {
  const Datum values[5] = {
      key, text_datum(version.version_id), Int64GetDatum(version.size), text_datum(version.etag),
      TimestampTzGetDatum(timestamp_of_unix_microseconds(version.last_modified))};
  const bool nulls[5] = {};
  search.rows->add(values, nulls);
}

void look_at(const Search &search, const VersionPage &page) {
  const size_t size = page.versions.size();
  const ObjectVersion **versions =
      static_cast<const ObjectVersion **>(palloc(size * sizeof(ObjectVersion *) + 1));
  Datum *keys = static_cast<Datum *>(palloc(size * sizeof(Datum) + 1));
  Datum *version_ids = static_cast<Datum *>(palloc(size * sizeof(Datum) + 1));
  size_t count = 0;
  for (const ObjectVersion &version : page.versions) {
    if (version.is_delete_marker ||
        timestamp_of_unix_microseconds(version.last_modified) >= search.before)
      continue;
    keys[count] = key_datum(version.object_key);
    if (keys[count] == 0) continue;
    version_ids[count] = text_datum(version.version_id);
    versions[count++] = &version;
  }
  const Datum values[3] = {text_array(keys, count), text_array(version_ids, count),
                           search.other_buckets};
  SPI_connect();
  const OwnerScope owner = begin_as_owner(require_table(search.schema, "b2_files"));
  const uint64 found = execute_up_to_date(select_unnamed, search.schema, values, nullptr);
  end_as_owner(owner);
  for (uint64 i = 0; i < found; i++) {
    bool is_null;
    const int64 place = DatumGetInt64(SpiRow(i).datum(1, INT8OID, &is_null)) - 1;
    add_row(search, *versions[place], keys[place]);
  }
  SPI_finish();
}

std::string_view keep(MemoryContext context, const std::string &text) {
  return {MemoryContextStrdup(context, text.c_str()), text.size()};
}

// Page by page, each in memory of its own.
void search_bucket(const Search &search) {
  MemoryContext caller = CurrentMemoryContext;
  MemoryContext pages[2];
  for (MemoryContext &context : pages) {
    context = AllocSetContextCreate(caller, "b2neon page", ALLOCSET_DEFAULT_SIZES);
  }
  PageRequest request = {search.prefix, {}, {}};
  for (int turn = 0;; turn = 1 - turn) {
    MemoryContextSwitchTo(pages[turn]);
    StoreCall *call = prepare_page(search.server, request);
    carry_out(std::span<StoreCall *const>(&call, 1));
    const Answer answer = read_answer(call);
    Adopted<VersionPage> *page = read_page(call, answer);
    if (!page) raise(no_page(answer, search.server));
    release(call);
    look_at(search, *page->object);
    if (!page->object->is_truncated) break;
    if (!has_next(request, *page->object)) {
      raise({ERRCODE_FDW_ERROR,
             psprintf("could not list the versions in the bucket of server \"%s\"",
                      NameStr(search.server->name)),
             "It does not say how its list goes on."});
    }
    request.key_marker = keep(pages[turn], page->object->next_key_marker);
    request.version_id_marker = keep(pages[turn], page->object->next_version_id_marker);
    page->release();
    // The marker is needed for one page more.
    MemoryContextReset(pages[1 - turn]);
    CHECK_FOR_INTERRUPTS();
  }
  MemoryContextSwitchTo(caller);
  for (MemoryContext context : pages) MemoryContextDelete(context);
}

}  // namespace

}  // namespace b2neon

/// b2_orphans(prefix, older_than, server) → objects and versions that no row names. No prefix means
/// the server's own.
Datum b2_orphans(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  RowSet rows(fcinfo);
  Search search = {};
  search.schema = extension_schema(fcinfo);
  require_unconfined(search.schema, "b2_orphans()");
  require_lineage(search.schema, "b2_orphans()");
  search.server = find_server_argument(fcinfo, kServer);
  search.other_buckets = name_array(servers_of_other_buckets(search.server));
  std::string_view prefix = optional_text(fcinfo, kPrefix);
  if (is_null(prefix)) prefix = search.server->options.key_prefix;
  search.prefix = is_null(prefix) ? std::string_view("") : to_utf8(prefix);
  if (PG_ARGISNULL(kOlderThan)) required_text(fcinfo, kOlderThan, "older_than");  // raises
  search.before = time_before_now(PG_GETARG_DATUM(kOlderThan));
  search.rows = &rows;
  search_bucket(search);
  PG_RETURN_NULL();
}
