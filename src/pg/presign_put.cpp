#include "core/ascii.h"
#include "core/header_value.h"
#include "core/object_key.h"
#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/deletions.h"
#include "pg/files.h"
#include "pg/generated_key.h"
#include "pg/identity.h"
#include "pg/presign_url.h"
#include "pg/server.h"
#include "pg/tables.h"
#include "pg/uploads.h"

B2NEON_SQL_FUNCTION(b2_presign_put)

namespace b2neon {

namespace {

// https://www.backblaze.com/docs/cloud-storage-files: what one PUT can carry.
constexpr int64 kMaxPutSize = INT64CONST(5000000000);

constexpr int kFileName = 0, kContentType = 1, kExpiresIn = 2, kUserId = 3, kSize = 4,
              kContentMd5 = 5, kMetadata = 6, kObjectKey = 7, kServer = 8;

// Longer than any path that a browser reports.
constexpr size_t kMaxFileNameLength = 4096;

Problem check_file_name(std::string_view file_name) {
  if (file_name.empty()) return "it is empty";
  if (file_name.size() > kMaxFileNameLength) return "it is longer than 4096 bytes";
  for (char c : file_name) {
    if (is_ascii_control(c)) return "it contains a control character";
  }
  return nullptr;
}

Problem check_user_id(std::string_view user_id) {
  if (user_id.empty()) return "it is empty";
  return user_id.size() > kMaxUserIdLength ? "it is longer than 1024 bytes" : nullptr;
}

void check_size(const Server *server, int64 size) {
  const int64 limit = server->options.max_upload_size;
  if (size < 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("size must not be negative, but is " INT64_FORMAT, size)));
  }
  if (limit >= 0 && size > limit) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("size must be at most " INT64_FORMAT " bytes, but is " INT64_FORMAT,
                           limit, size),
                    errdetail("Server \"%s\" sets max_upload_size.", NameStr(server->name))));
  }
  if (size > kMaxPutSize) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("size must be at most " INT64_FORMAT " bytes, but is " INT64_FORMAT,
                           kMaxPutSize, size),
                    errdetail("Backblaze B2 takes no more in one upload.")));
  }
}

// What the caller declares, checked.
Upload read_declaration(FunctionCallInfo fcinfo, Oid schema, const Server *server, bool confined) {
  Upload upload;
  upload.file_name = required_text(fcinfo, kFileName, "file_name");
  check_argument(check_file_name(upload.file_name), "file_name", upload.file_name);
  upload.content_type = required_text(fcinfo, kContentType, "content_type");
  check_argument(check_media_type(upload.content_type), "content_type", upload.content_type);

  upload.user_id = optional_text(fcinfo, kUserId);
  const bool is_given = !is_null(upload.user_id);
  const std::string_view caller = is_given && !confined ? "" : caller_user_id(schema);
  if (!is_given) upload.user_id = caller;
  check_argument(check_user_id(upload.user_id), "user_id", upload.user_id);
  if (confined && upload.user_id != caller) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("role \"%s\" cannot upload as user \"%s\"",
                           GetUserNameFromId(GetUserId(), false), quotable(upload.user_id)),
                    errhint("Leave user_id out: it is b2_user_id().")));
  }

  if (!PG_ARGISNULL(kSize)) {
    upload.size = PG_GETARG_INT64(kSize);
    check_size(server, upload.size);
  }
  upload.content_md5 = optional_text(fcinfo, kContentMd5);
  if (!is_null(upload.content_md5)) {
    check_argument(check_content_md5(upload.content_md5), "content_md5", upload.content_md5);
  }
  upload.metadata = metadata_argument(fcinfo, kMetadata);
  if (confined) check_confined_upload(server, upload.content_type, upload.size);
  return upload;
}

std::string_view new_object_key(const Server *server, std::string_view file_name) {
  const std::string_view name = last_path_component(file_name);
  check_argument(name.empty() ? "nothing comes after its last slash" : nullptr, "file_name",
                 file_name);
  const std::string_view key = generate_object_key(server->options.key_prefix, name);
  check_argument(check_object_key(to_utf8(key)), "file_name", file_name);
  return key;
}

void raise_no_pending_upload(std::string_view object_key) {
  ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
                  errmsg("no pending upload for object key \"%s\"", quotable(object_key)),
                  errhint("Leave object_key out to have a key made. Only a pending upload of one's "
                          "own can be named.")));
}

void record(Oid schema, const Upload &upload, bool key_was_given, bool confined) {
  SPI_connect();
  bool is_registered = false;
  if (key_was_given) {
    const OwnerScope files_owner = begin_as_owner(require_table(schema, "b2_files"));
    is_registered = file_exists(schema, upload.object_key);
    end_as_owner(files_owner);
  }
  const OwnerScope uploads_owner = begin_writing_as_owner(require_table(schema, "b2_uploads"));
  if (key_was_given && confined) {
    Upload pending;
    if (is_registered || !find_upload(schema, upload.object_key, &pending) ||
        pending.user_id != upload.user_id) {
      raise_no_pending_upload(upload.object_key);
    }
  }
  const bool is_recorded = !is_registered && record_upload(schema, upload);
  end_as_owner(uploads_owner);
  // An upload under a key whose old object is still to be deleted would be deleted with it. The
  // upload comes first, because whoever queues an object has to take the upload away.
  const bool is_taken_by_deletion =
      is_recorded && key_was_given && is_queued(schema, upload.object_key);
  if (!is_recorded || is_taken_by_deletion) {
    ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
                    errmsg("object key \"%s\" is taken", quotable(upload.object_key)),
                    is_registered ? errdetail("A file of that key is registered in b2_files.")
                    : is_taken_by_deletion
                        ? errdetail("An object of that key waits in b2_deletions to be deleted.")
                        : errdetail("An upload under that key was issued to another user or for "
                                    "another server, or has been registered; a key is used once, "
                                    "even if its file is deleted."),
                    errhint("Leave object_key out to have a new key made.")));
  }
  SPI_finish();
}

// The headers that the client must send as they were signed.
Datum headers_to_send(const Upload &upload) {
  StringInfoData json;
  initStringInfo(&json);
  appendStringInfoString(&json, "{\"Content-Type\": ");
  escape_json(&json, pnstrdup(upload.content_type.data(), length(upload.content_type)));
  if (!is_null(upload.content_md5)) {
    appendStringInfo(&json, ", \"Content-MD5\": \"%.*s\"", length(upload.content_md5),
                     upload.content_md5.data());
  }
  appendStringInfoChar(&json, '}');
  return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

text *sign(const Server *server, const Upload &upload, std::string_view object_key, int64 now,
           int32 expires_in) {
  NameValue headers[3];
  size_t count = 0;
  headers[count++] = {"Content-Type", upload.content_type};
  char size[24];
  if (upload.size >= 0) {
    const int digits = pg_snprintf(size, sizeof size, INT64_FORMAT, upload.size);
    headers[count++] = {"Content-Length", {size, static_cast<size_t>(digits)}};
  }
  if (!is_null(upload.content_md5)) headers[count++] = {"Content-MD5", upload.content_md5};

  ObjectRequest request;
  request.method = "PUT";
  request.object_key = object_key;
  request.headers = {headers, count};
  request.signed_at = now;
  return presigned_url(server->upload_signer, request, expires_in);
}

}  // namespace

}  // namespace b2neon

/// b2_presign_put(file_name, content_type, expires_in, user_id, size, content_md5, metadata,
/// object_key, server) → (presigned_url, object_key, public_file_url, headers, expires_at)
Datum b2_presign_put(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  TupleDesc row_type;
  if (get_call_result_type(fcinfo, nullptr, &row_type) != TYPEFUNC_COMPOSITE) {
    elog(ERROR, "return type must be a row type");
  }
  PreventCommandIfReadOnly("b2_presign_put()");
  const Oid schema = extension_schema(fcinfo);
  const Server *server = find_server_argument(fcinfo, kServer);
  const bool confined = caller_is_confined(schema);
  const int32 expires_in = required_int32(fcinfo, kExpiresIn, "expires_in");
  check_expires_in(expires_in, kMaxExpiresIn);
  if (confined) check_confined_lifetime(server, expires_in);

  Upload upload = read_declaration(fcinfo, schema, server, confined);
  upload.server = NameStr(server->name);
  const std::string_view given_key = optional_text(fcinfo, kObjectKey);
  if (is_null(given_key)) {
    upload.object_key = new_object_key(server, upload.file_name);
    upload.is_generated = true;
  } else {
    check_argument(check_object_key(to_utf8(given_key)), "object_key", given_key);
    upload.object_key = given_key;
  }
  const std::string_view utf8_key = to_utf8(upload.object_key);

  // A signature counts in whole seconds, from the one that has begun.
  const int64 now = unix_time(GetCurrentTimestamp());
  upload.expires_at = timestamp_of_unix_time(now + expires_in);

  // All that is needed of the server is taken before SQL runs.
  Datum values[5];
  bool nulls[5] = {};
  values[0] = PointerGetDatum(sign(server, upload, utf8_key, now, expires_in));
  values[1] = text_datum(upload.object_key);
  const std::string_view file_url = public_file_url(server, utf8_key);
  nulls[2] = is_null(file_url);
  values[2] = nulls[2] ? 0 : text_datum(file_url);
  values[3] = headers_to_send(upload);
  values[4] = TimestampTzGetDatum(upload.expires_at);

  record(schema, upload, !is_null(given_key), confined);
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row_type), values, nulls));
}
