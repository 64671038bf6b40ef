#include "core/object_key.h"
#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/files.h"
#include "pg/link.h"
#include "pg/row_set.h"
#include "pg/server.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_presign_get_set)

namespace b2neon {

namespace {

constexpr int kObjectKeys = 0, kExpiresIn = 1, kContentType = 2, kStableFor = 3, kServer = 4;

constexpr int kMaxKeys = 100000;

}  // namespace

}  // namespace b2neon

/// b2_presign_get(object_keys, expires_in, content_type, stable_for, server) → a row a key, in the
/// order of the array
Datum b2_presign_get_set(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  RowSet rows(fcinfo);
  const std::span<const std::string_view> keys =
      required_texts(fcinfo, kObjectKeys, "object_keys", kMaxKeys);
  LinkTerms terms(required_int32(fcinfo, kExpiresIn, "expires_in"),
                  required_int32(fcinfo, kStableFor, "stable_for"));
  const std::string_view content_type = optional_text(fcinfo, kContentType);
  if (!is_null(content_type)) terms.set_content_type(content_type);
  for (std::string_view key : keys) {
    check_argument(check_object_key(to_utf8(key)), "element of object_keys", key);
  }

  const Oid schema = extension_schema(fcinfo);
  const bool is_confined = caller_is_confined(schema);
  const VisibleFile *files = nullptr;
  const Server *server = nullptr;
  if (is_confined) {
    files = require_visible_files(schema, PG_GETARG_DATUM(kObjectKeys), keys,
                                  optional_name(fcinfo, kServer));
  } else {
    server = find_server_argument(fcinfo, kServer);
  }

  // The rows are copied, so nothing of one is needed for the next.
  MemoryContext of_row =
      AllocSetContextCreate(CurrentMemoryContext, "b2neon link", ALLOCSET_SMALL_SIZES);
  MemoryContext caller = MemoryContextSwitchTo(of_row);
  for (size_t i = 0; i < keys.size(); i++) {
    CHECK_FOR_INTERRUPTS();
    if (is_confined) {
      server = find_server(files[i].server);
      check_confined_lifetime(server, terms.lifetime());
    }
    const std::string_view version_id = is_confined ? files[i].version_id : std::string_view();
    const text *link = terms.link(server, to_utf8(keys[i]), version_id);
    const Datum values[2] = {text_datum(keys[i]), PointerGetDatum(link)};
    const bool nulls[2] = {false, false};
    rows.add(values, nulls);
    MemoryContextReset(of_row);
  }
  MemoryContextSwitchTo(caller);
  MemoryContextDelete(of_row);
  PG_RETURN_NULL();
}
