#include "pg/files.h"

#include <algorithm>
#include <numeric>

#include "pg/arguments.h"
#include "pg/spi_row.h"
#include "pg/tables.h"

namespace b2neon {

namespace {

// The OUT parameters of b2_register_file. The casts are for tables that were there before the
// extension, whose id may be an integer.
#define FILE_COLUMNS                                                                              \
  "id::pg_catalog.int8, object_key::pg_catalog.text, file_url::pg_catalog.text, "                 \
  "user_id::pg_catalog.text, upload_timestamp::pg_catalog.timestamptz, server::pg_catalog.name, " \
  "file_name::pg_catalog.text, content_type::pg_catalog.text, size::pg_catalog.int8, "            \
  "etag::pg_catalog.text, version_id::pg_catalog.text, metadata::pg_catalog.jsonb, "              \
  "verified_at::pg_catalog.timestamptz"

// Runs with the search path of whoever calls, hence the qualified operator.
Statement select_visible_file = {
    "SELECT server, version_id, object_key FROM %1$s.b2_files "
    "WHERE object_key OPERATOR(pg_catalog.=) $1",
    1,
    {TEXTOID}};

Statement select_visible_files = {
    "SELECT server, version_id, object_key FROM %1$s.b2_files "
    "WHERE object_key OPERATOR(pg_catalog.=) ANY ($1)",
    1,
    {TEXTARRAYOID}};

Statement select_file_exists = {"SELECT FROM %1$s.b2_files WHERE object_key = $1", 1, {TEXTOID}};

Statement select_file = {
    "SELECT " FILE_COLUMNS
    " FROM %1$s.b2_files WHERE object_key = $1 AND ($2 IS NULL OR user_id = $2) "
    "AND ($3 IS NULL OR server = $3)",
    3,
    {TEXTOID, TEXTOID, NAMEOID}};

Statement insert_into_files = {
    "INSERT INTO %1$s.b2_files (object_key, file_url, user_id, server, file_name, content_type, "
    "size, etag, version_id, metadata, verified_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
    "ON CONFLICT (object_key) DO NOTHING RETURNING " FILE_COLUMNS,
    11,
    {TEXTOID, TEXTOID, TEXTOID, NAMEOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, JSONBOID,
     TIMESTAMPTZOID}};

Datum returned_row(TupleDesc row_type) {
  if (SPI_processed == 0) return 0;
  return PointerGetDatum(SPI_returntuple(SPI_tuptable->vals[0], row_type));
}

Datum nullable_text(std::string_view text, char *null_flag) {
  if (is_null(text)) {
    *null_flag = 'n';
    return 0;
  }
  return text_datum(text);
}

// Columns may have been granted one by one.
void require_select(Oid schema) {
  const Oid files = require_table(schema, "b2_files");
  if (pg_class_aclcheck(files, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
      pg_attribute_aclcheck_all(files, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK) {
    return;
  }
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for table b2_files"),
           errhint("Its owner can GRANT SELECT ON %s TO %s.",
                   quote_qualified_identifier(get_namespace_name(schema), "b2_files"),
                   quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

// As the current role, within SPI.
bool select_visible(Oid schema, std::string_view object_key, bool read_only) {
  const Datum key = text_datum(object_key);
  return execute(select_visible_file, schema, &key, nullptr, read_only) > 0;
}

// Without a server, in the row or because there is no row, the caller would choose one.
void require_match(const VisibleFile &file, std::string_view object_key,
                   std::string_view version_id, std::string_view server) {
  const bool is_other_version = !is_null(version_id) && version_id != file.version_id;
  const bool is_other_server = !is_null(server) && server != file.server;
  if (!is_null(file.server) && !is_other_version && !is_other_server) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("no file \"%s\" that role \"%s\" can see", quotable(object_key),
                         GetUserNameFromId(GetUserId(), false)),
                  is_null(file.server) ? 0
                  : is_other_version   ? errdetail("The file is there in another version.")
                                       : errdetail("The file is on another server.")));
}

}  // namespace

bool is_visible(Oid schema, std::string_view object_key) {
  require_select(schema);
  SPI_connect();
  // Not read-only: the same statement may have recorded it.
  const bool found = select_visible(schema, object_key, false);
  SPI_finish();
  return found;
}

VisibleFile require_visible_file(Oid schema, std::string_view object_key,
                                 std::string_view version_id, std::string_view server) {
  require_select(schema);
  SPI_connect();
  bool found = select_visible(schema, object_key, true);
  VisibleFile file = {};
  if (found) {
    file = {SpiRow().text(1), SpiRow().text(2)};
    // By the column's collation other keys may be equal to this one.
    found = SpiRow().text(3) == object_key;
  }
  SPI_finish();
  if (!found) file = {};
  require_match(file, object_key, version_id, server);
  return file;
}

const VisibleFile *require_visible_files(Oid schema, Datum array,
                                         std::span<const std::string_view> keys,
                                         std::string_view server) {
  require_select(schema);
  VisibleFile *files = static_cast<VisibleFile *>(palloc0(keys.size() * sizeof(VisibleFile) + 1));
  size_t *by_key = static_cast<size_t *>(palloc(keys.size() * sizeof(size_t) + 1));
  size_t *const end = by_key + keys.size();
  std::iota(by_key, end, size_t{0});
  std::sort(by_key, end, [&](size_t a, size_t b) { return keys[a] < keys[b]; });

  SPI_connect();
  const uint64 count = execute(select_visible_files, schema, &array, nullptr, true);
  for (uint64 i = 0; i < count; i++) {
    const SpiRow row(i);
    const std::string_view key = row.text(3);
    size_t *match = std::lower_bound(by_key, end, key,
                                     [&](size_t a, std::string_view b) { return keys[a] < b; });
    if (match == end || keys[*match] != key) continue;  // equal by the column's collation alone
    const VisibleFile file = {row.text(1), row.text(2)};
    for (; match != end && keys[*match] == key; match++) files[*match] = file;
  }
  SPI_finish();

  for (size_t i = 0; i < keys.size(); i++) require_match(files[i], keys[i], {}, server);
  return files;
}

bool file_exists(Oid schema, std::string_view object_key) {
  const Datum key = text_datum(object_key);
  return execute(select_file_exists, schema, &key, nullptr, false) > 0;
}

Datum find_file(Oid schema, std::string_view object_key, std::string_view user_id,
                std::string_view server, TupleDesc row_type) {
  char nulls[3] = {' ', ' ', ' '};
  const Datum values[3] = {text_datum(object_key), nullable_text(user_id, &nulls[1]),
                           name_datum(server)};
  if (is_null(server)) nulls[2] = 'n';
  execute(select_file, schema, values, nulls, false);
  return returned_row(row_type);
}

Datum insert_file(Oid schema, const NewFile &file, TupleDesc row_type) {
  char nulls[11];
  memset(nulls, ' ', sizeof nulls);
  const Datum values[11] = {text_datum(file.object_key),
                            nullable_text(file.file_url, &nulls[1]),
                            text_datum(file.user_id),
                            file.server,
                            nullable_text(file.file_name, &nulls[4]),
                            nullable_text(file.content_type, &nulls[5]),
                            Int64GetDatum(file.size),
                            nullable_text(file.etag, &nulls[7]),
                            nullable_text(file.version_id, &nulls[8]),
                            JsonbPGetDatum(file.metadata),
                            TimestampTzGetDatum(GetCurrentTimestamp())};
  if (file.size < 0) nulls[6] = 'n';
  if (!file.verified) nulls[10] = 'n';
  execute(insert_into_files, schema, values, nulls, false);
  return returned_row(row_type);
}

}  // namespace b2neon
