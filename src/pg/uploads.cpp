#include "pg/uploads.h"

#include "pg/arguments.h"
#include "pg/spi_row.h"
#include "pg/tables.h"

namespace b2neon {

namespace {

// The casts and defaults hold even where the table's owner has changed its columns.
Statement select_upload = {
    "SELECT server::name, user_id::text, file_name::text, content_type::text, size::int8, "
    "content_md5::text, coalesce(expires_at, '-infinity')::timestamptz, registered_at IS NOT NULL "
    "FROM %1$s.b2_uploads WHERE object_key = $1",
    1,
    {TEXTOID}};

// An earlier URL for the key may outlive the new one.
Statement upsert_upload = {
    "INSERT INTO %1$s.b2_uploads AS pending (object_key, server, user_id, file_name, content_type, "
    "size, content_md5, metadata, expires_at, generated) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, '{}'), $9, $10) "
    "ON CONFLICT (object_key) DO UPDATE SET file_name = excluded.file_name, "
    "content_type = excluded.content_type, size = excluded.size, "
    "content_md5 = excluded.content_md5, "
    "metadata = CASE WHEN $8 IS NULL THEN pending.metadata ELSE excluded.metadata END, "
    "expires_at = greatest(pending.expires_at, excluded.expires_at) "
    "WHERE pending.registered_at IS NULL AND pending.user_id = excluded.user_id "
    "AND pending.server = excluded.server",
    10,
    {TEXTOID, NAMEOID, TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, JSONBOID, TIMESTAMPTZOID,
     BOOLOID}};

Statement update_registered = {
    "UPDATE %1$s.b2_uploads SET registered_at = clock_timestamp() "
    "WHERE object_key = $1 AND registered_at IS NULL AND user_id = $2 AND content_type = $3 "
    "AND size IS NOT DISTINCT FROM $4 AND content_md5 IS NOT DISTINCT FROM $5 AND server = $6 "
    "RETURNING coalesce(metadata, '{}')::jsonb",
    6,
    {TEXTOID, TEXTOID, TEXTOID, INT8OID, TEXTOID, NAMEOID}};

}  // namespace

bool find_upload(Oid schema, std::string_view object_key, Upload *upload) {
  const Datum key = text_datum(object_key);
  if (execute(select_upload, schema, &key, nullptr, false) == 0) return false;
  const SpiRow row;
  bool is_null;
  upload->object_key = object_key;
  upload->server = row.text(1);
  upload->user_id = row.text(2);
  upload->file_name = row.text(3);
  upload->content_type = row.text(4);
  const Datum size = row.datum(5, INT8OID, &is_null);
  upload->size = is_null ? -1 : DatumGetInt64(size);
  upload->content_md5 = row.text(6);
  upload->expires_at = DatumGetTimestampTz(row.datum(7, TIMESTAMPTZOID, &is_null));
  upload->is_registered = DatumGetBool(row.datum(8, BOOLOID, &is_null));
  return true;
}

bool record_upload(Oid schema, const Upload &upload) {
  const Datum values[10] = {text_datum(upload.object_key),
                            name_datum(upload.server),
                            text_datum(upload.user_id),
                            text_datum(upload.file_name),
                            text_datum(upload.content_type),
                            Int64GetDatum(upload.size),
                            is_null(upload.content_md5) ? 0 : text_datum(upload.content_md5),
                            upload.metadata ? JsonbPGetDatum(upload.metadata) : 0,
                            TimestampTzGetDatum(upload.expires_at),
                            BoolGetDatum(upload.is_generated)};
  char nulls[10];
  memset(nulls, ' ', sizeof nulls);
  if (upload.size < 0) nulls[5] = 'n';
  if (is_null(upload.content_md5)) nulls[6] = 'n';
  if (!upload.metadata) nulls[7] = 'n';
  return execute(upsert_upload, schema, values, nulls, false) > 0;
}

Jsonb *mark_registered(Oid schema, const Upload &upload) {
  const Datum values[6] = {text_datum(upload.object_key),
                           text_datum(upload.user_id),
                           text_datum(upload.content_type),
                           Int64GetDatum(upload.size),
                           is_null(upload.content_md5) ? 0 : text_datum(upload.content_md5),
                           name_datum(upload.server)};
  char nulls[6];
  memset(nulls, ' ', sizeof nulls);
  if (upload.size < 0) nulls[3] = 'n';
  if (is_null(upload.content_md5)) nulls[4] = 'n';
  if (execute(update_registered, schema, values, nulls, false) == 0) return nullptr;
  bool is_null;
  return DatumGetJsonbP(SpiRow().datum(1, JSONBOID, &is_null));
}

}  // namespace b2neon
