#include "pg/answer.h"
#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/failure.h"
#include "pg/row_set.h"
#include "pg/settings.h"
#include "pg/spi_row.h"
#include "pg/store.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_missing)

namespace b2neon {

namespace {

constexpr int kPrefix = 0, kOlderThan = 1, kServer = 2;
constexpr int kPageSize = 200;

// A page of rows, in the order of their ids.
Statement select_files = {
    "SELECT id::int8, object_key::text, version_id::text, size::int8, etag::text, "
    "upload_timestamp::timestamptz FROM %1$s.b2_files "
    "WHERE server = $1 AND id > $2 AND starts_with(object_key, $3) AND upload_timestamp < $4 "
    "ORDER BY id LIMIT $5",
    5,
    {NAMEOID, INT8OID, TEXTOID, TIMESTAMPTZOID, INT4OID}};

// Whether a row is still as it was read. It can have been deleted since, and its object with it.
Statement select_same = {
    "SELECT FROM %1$s.b2_files WHERE id = $1 AND object_key = $2 "
    "AND version_id IS NOT DISTINCT FROM $3",
    3,
    {INT8OID, TEXTOID, TEXTOID}};

struct Search {
  Oid schema;
  const Server *server;
  Datum prefix;
  Datum before;
  RowSet *rows;
};

struct Row {
  int64 id;
  std::string_view object_key;
  std::string_view version_id;
  Datum values[5];
  bool nulls[5];
};

// An answer to a HEAD says something of the object, or else of the store.
bool says_nothing_of_the_object(const HttpCall &call) {
  const HttpExchange *exchange = call.last_attempt();
  return !exchange || exchange->failure() != HttpFailure::kNone ||
         (exchange->status() != 200 && exchange->status() != 404);
}

std::span<Row> read_page(const Search &search, int64 *last_id) {
  const Datum values[5] = {NameGetDatum(&search.server->name), Int64GetDatum(*last_id),
                           search.prefix, search.before, Int32GetDatum(kPageSize)};
  SPI_connect();
  const OwnerScope owner = begin_as_owner(require_table(search.schema, "b2_files"));
  plan_by_index();  // or each page would be a scan of its own
  const uint64 count = execute_up_to_date(select_files, search.schema, values, nullptr);
  end_as_owner(owner);
  Row *rows = static_cast<Row *>(SPI_palloc(count * sizeof(Row) + 1));
  for (uint64 i = 0; i < count; i++) {
    const SpiRow found(i);
    bool is_null;
    rows[i].id = DatumGetInt64(found.datum(1, INT8OID, &is_null));
    *last_id = rows[i].id;
    rows[i].object_key = found.text(2);
    rows[i].version_id = found.text(3);
    for (int column = 0; column < 5; column++) {
      const Datum value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column + 2,
                                        &rows[i].nulls[column]);
      const Form_pg_attribute type = TupleDescAttr(SPI_tuptable->tupdesc, column + 1);
      rows[i].values[column] =
          rows[i].nulls[column] ? 0 : SPI_datumTransfer(value, type->attbyval, type->attlen);
    }
  }
  SPI_finish();
  return {rows, count};
}

StoreCall *prepare_head(const Search &search, const Row &row) {
  const NameValue version[1] = {{"versionId", to_utf8(row.version_id)}};
  const size_t count = is_null(row.version_id) ? 0 : 1;
  return prepare_request(search.server, {"HEAD", to_utf8(row.object_key), {version, count}});
}

bool is_still_there(const Search &search, const Row &row) {
  const Datum values[3] = {Int64GetDatum(row.id), row.values[0], row.values[1]};
  const char nulls[3] = {' ', ' ', row.nulls[1] ? 'n' : ' '};
  SPI_connect();
  const OwnerScope owner = begin_as_owner(require_table(search.schema, "b2_files"));
  const bool found = execute_up_to_date(select_same, search.schema, values, nulls) > 0;
  end_as_owner(owner);
  SPI_finish();
  return found;
}

void look_for(const Search &search, std::span<const Row> rows) {
  StoreCall **calls = static_cast<StoreCall **>(palloc(rows.size() * sizeof(StoreCall *) + 1));
  for (size_t i = 0; i < rows.size(); i++) calls[i] = prepare_head(search, rows[i]);
  carry_out({calls, rows.size()}, says_nothing_of_the_object);
  for (size_t i = 0; i < rows.size(); i++) {
    if (!calls[i]->done()) continue;
    const Answer answer = read_answer(calls[i]);
    if (answer.failure != HttpFailure::kNone) raise(no_answer(answer, search.server));
    if (answer.status != 200 && answer.status != 404) {
      raise({ERRCODE_FDW_ERROR,
             psprintf("the store of server \"%s\" refused to show object \"%s\"",
                      NameStr(search.server->name), quotable(rows[i].object_key)),
             describe(answer), advice(answer, search.server, "readFiles", false)});
    }
    if (answer.status == 404 && is_still_there(search, rows[i])) {
      search.rows->add(rows[i].values, rows[i].nulls);
    }
    release(calls[i]);
  }
}

}  // namespace

}  // namespace b2neon

/// b2_missing(prefix, older_than, server) → rows whose object is not in the bucket
Datum b2_missing(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  RowSet rows(fcinfo);
  Search search = {};
  search.schema = extension_schema(fcinfo);
  require_unconfined(search.schema, "b2_missing()");
  const std::string_view prefix = optional_text(fcinfo, kPrefix);
  search.prefix = text_datum(is_null(prefix) ? std::string_view("") : prefix);
  if (PG_ARGISNULL(kOlderThan)) required_text(fcinfo, kOlderThan, "older_than");  // raises
  search.before = TimestampTzGetDatum(time_before_now(PG_GETARG_DATUM(kOlderThan)));
  search.server = find_server_argument(fcinfo, kServer);
  search.rows = &rows;
  MemoryContext page =
      AllocSetContextCreate(CurrentMemoryContext, "b2neon page", ALLOCSET_DEFAULT_SIZES);
  MemoryContext caller = MemoryContextSwitchTo(page);
  int64 last_id = PG_INT64_MIN;
  for (;;) {
    const std::span<const Row> found = read_page(search, &last_id);
    if (found.empty()) break;
    look_for(search, found);
    MemoryContextReset(page);
  }
  MemoryContextSwitchTo(caller);
  PG_RETURN_NULL();
}
