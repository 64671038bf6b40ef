#include "core/content_disposition.h"
#include "core/header_value.h"
#include "core/object_key.h"
#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/files.h"
#include "pg/presign_url.h"
#include "pg/server.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_presign_get)

namespace b2neon {

namespace {

constexpr size_t kMaxVersionIdLength = 1024;

Problem check_version_id(std::string_view version_id) {
  if (version_id.empty()) return "it is empty";
  if (version_id.size() > kMaxVersionIdLength) return "it is longer than 1024 characters";
  return check_header_value(version_id);
}

// What a response is asked to say of itself.
class ResponseOverrides {
 public:
  void add(std::string_view name, std::string_view value) { items_[count_++] = {name, value}; }
  std::span<const NameValue> items() const { return {items_, count_}; }

 private:
  NameValue items_[4];
  size_t count_ = 0;
};

void check_lifetime(int32 expires_in, int32 stable_for) {
  check_expires_in(expires_in, kMaxExpiresIn);
  if (stable_for < 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("stable_for must not be negative, but is %d", stable_for)));
  }
  if (stable_for > kMaxExpiresIn - expires_in) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("expires_in and stable_for must be at most %d seconds together", kMaxExpiresIn),
             errdetail("The URL is made to live for the sum of both.")));
  }
}

}  // namespace

}  // namespace b2neon

/// b2_presign_get(object_key, expires_in, download_as, content_type, version_id, stable_for,
/// server) → text
Datum b2_presign_get(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();  // no file, no link
  const std::string_view object_key = required_text(fcinfo, 0, "object_key");
  const int32 expires_in = required_int32(fcinfo, 1, "expires_in");
  const int32 stable_for = required_int32(fcinfo, 5, "stable_for");
  check_lifetime(expires_in, stable_for);

  ObjectRequest request;
  request.method = "GET";
  request.object_key = to_utf8(object_key);
  check_argument(check_object_key(request.object_key), "object_key", object_key);

  std::string_view version_id = optional_text(fcinfo, 4);
  if (!is_null(version_id)) {
    check_argument(check_version_id(version_id), "version_id", version_id);
  }

  const Server *server;
  const Oid schema = extension_schema(fcinfo);
  if (caller_is_confined(schema)) {
    const std::string_view named_server =
        PG_ARGISNULL(6) ? std::string_view() : NameStr(*PG_GETARG_NAME(6));
    const VisibleFile file = require_visible_file(schema, object_key, version_id, named_server);
    version_id = file.version_id;
    server = find_server(file.server);
    check_confined_lifetime(server, expires_in + stable_for);
  } else {
    server = find_server_argument(fcinfo, 6);
  }

  request.signed_at = unix_time(signing_time());
  ResponseOverrides query;
  char disposition[attachment_disposition_bound(kMaxDownloadNameLength)];
  char cache_control[64];
  if (stable_for > 0) {
    request.signed_at -= request.signed_at % stable_for;
    const int size =
        pg_snprintf(cache_control, sizeof cache_control, "private, max-age=%d", stable_for);
    query.add("response-cache-control", {cache_control, static_cast<size_t>(size)});
  }
  const std::string_view download_as = optional_text(fcinfo, 2);
  if (!is_null(download_as)) {
    const std::string_view file_name = to_utf8(download_as);
    check_argument(check_download_name(file_name), "download_as", download_as);
    char *end = attachment_disposition(disposition, file_name);
    query.add("response-content-disposition",
              {disposition, static_cast<size_t>(end - disposition)});
  }
  const std::string_view content_type = optional_text(fcinfo, 3);
  if (!is_null(content_type)) {
    check_argument(check_media_type(content_type), "content_type", content_type);
    query.add("response-content-type", content_type);
  }
  if (!is_null(version_id)) query.add("versionId", version_id);
  request.query = query.items();

  PG_RETURN_TEXT_P(presigned_url(server->signer, request, expires_in + stable_for));
}
