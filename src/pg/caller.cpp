#include "pg/caller.h"

#include "core/media_type_list.h"
#include "pg/arguments.h"
#include "pg/invalidation.h"
#include "pg/tables.h"

namespace b2neon {

namespace {

struct Verdict {
  Oid schema;
  Oid role;
  uint64_t generation;
  bool confined;
};

bool row_level_security_applies(Oid schema) {
  if (superuser()) return false;  // with or without the table
  const Oid files = require_table(schema, "b2_files");
  watch_relation(files);
  // noError: with row_security = off the answer is the same, and not an error.
  return check_enable_rls(files, InvalidOid, true) == RLS_ENABLED;
}

}  // namespace

bool caller_is_confined(Oid schema) {
  static Verdict last;
  const uint64_t generation = catalog_generation();
  if (last.generation == generation && last.role == GetUserId() && last.schema == schema &&
      !InNoForceRLSOperation()) {
    return last.confined;
  }
  const bool confined = row_level_security_applies(schema);
  if (!InNoForceRLSOperation()) last = {schema, GetUserId(), generation, confined};
  return confined;
}

void require_unconfined(Oid schema, const char *what) {
  if (!caller_is_confined(schema)) return;
  ereport(
      ERROR,
      (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
       errmsg("%s is not allowed for role \"%s\"", what, GetUserNameFromId(GetUserId(), false)),
       errdetail("Row-level security on b2_files applies to this role."),
       errhint("The owner of b2_files, roles that inherit its rights, superusers and roles with "
               "BYPASSRLS can call it.")));
}

void check_confined_lifetime(const Server *server, int32 seconds) {
  if (seconds <= server->options.max_expires_in) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("a URL may live for at most %d seconds, not %d",
                         server->options.max_expires_in, seconds),
                  errdetail("Server \"%s\" sets max_expires_in.", NameStr(server->name)),
                  errhint("Give a smaller expires_in; the default is 300 seconds.")));
}

void check_confined_upload(const Server *server, std::string_view content_type, int64 size) {
  const std::string_view allowed = server->options.allowed_content_types;
  if (!is_null(allowed) && !media_type_is_listed(content_type, allowed)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("content_type \"%s\" is not allowed", quotable(content_type)),
                    errdetail("Server \"%s\" allows uploads of %.*s.", NameStr(server->name),
                              length(allowed), allowed.data())));
  }
  if (server->options.max_upload_size >= 0 && size < 0) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("size must not be NULL"),
                    errdetail("Server \"%s\" sets max_upload_size.", NameStr(server->name)),
                    errhint("Give the size of the file in bytes: size => ...")));
  }
}

}  // namespace b2neon
