#include "core/header_value.h"
#include "core/object_key.h"
#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/files.h"
#include "pg/link.h"
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

}  // namespace

}  // namespace b2neon

/// b2_presign_get(object_key, expires_in, download_as, content_type, version_id, stable_for,
/// server) → text
Datum b2_presign_get(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();  // no file, no link
  const std::string_view object_key = required_text(fcinfo, 0, "object_key");
  LinkTerms terms(required_int32(fcinfo, 1, "expires_in"), required_int32(fcinfo, 5, "stable_for"));

  const std::string_view key_in_utf8 = to_utf8(object_key);
  check_argument(check_object_key(key_in_utf8), "object_key", object_key);
  std::string_view version_id = optional_text(fcinfo, 4);
  if (!is_null(version_id)) {
    check_argument(check_version_id(version_id), "version_id", version_id);
  }

  const Server *server;
  const Oid schema = extension_schema(fcinfo);
  if (caller_is_confined(schema)) {
    const VisibleFile file =
        require_visible_file(schema, object_key, version_id, optional_name(fcinfo, 6));
    version_id = file.version_id;
    server = find_server(file.server);
    check_confined_lifetime(server, terms.lifetime());
  } else {
    server = find_server_argument(fcinfo, 6);
  }

  const std::string_view download_as = optional_text(fcinfo, 2);
  if (!is_null(download_as)) terms.set_download_name(download_as);
  const std::string_view content_type = optional_text(fcinfo, 3);
  if (!is_null(content_type)) terms.set_content_type(content_type);
  PG_RETURN_TEXT_P(terms.link(server, key_in_utf8, version_id));
}
