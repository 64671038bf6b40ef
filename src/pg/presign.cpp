#include "core/object_key.h"
#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/presign_url.h"
#include "pg/server.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_presign)

namespace b2neon {

namespace {

Problem check_method(std::string_view method) {
  if (method.empty()) return "it is empty";
  if (method.size() > 32) return "it is longer than 32 characters";
  for (char c : method) {
    if (c < 'A' || c > 'Z') return "it must consist of upper-case letters";
  }
  return nullptr;
}

void check_list(Problem problem, const char *name) {
  if (!problem) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid %s", name),
                  errdetail("The argument was refused because %s.", problem)));
}

}  // namespace

}  // namespace b2neon

/// b2_presign(method, object_key, expires_in, headers, query, signed_at, server) → text
Datum b2_presign(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  require_unconfined(extension_schema(fcinfo), "b2_presign()");
  const Server *server = find_server_argument(fcinfo, 6);

  ObjectRequest request;
  request.method = required_text(fcinfo, 0, "method");
  check_argument(check_method(request.method), "method", request.method);
  const std::string_view object_key = required_text(fcinfo, 1, "object_key");
  request.object_key = to_utf8(object_key);
  check_argument(check_object_key(request.object_key), "object_key", object_key);
  const int32 expires_in = required_int32(fcinfo, 2, "expires_in");
  check_expires_in(expires_in, kMaxExpiresIn);
  if (!PG_ARGISNULL(3)) {
    request.headers = name_values(PG_GETARG_JSONB_P(3), "headers");
    check_list(check_signed_headers(request.headers), "headers");
  }
  if (!PG_ARGISNULL(4)) {
    request.query = name_values(PG_GETARG_JSONB_P(4), "query");
    check_list(check_query(request.query), "query");
  }
  const TimestampTz signed_at = PG_ARGISNULL(5) ? signing_time() : PG_GETARG_TIMESTAMPTZ(5);
  request.signed_at = unix_time(signed_at);
  if (TIMESTAMP_NOT_FINITE(signed_at) || request.signed_at < AmzDate::kMinimum ||
      request.signed_at > AmzDate::kMaximum) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("signed_at must be from the year 1970 to 9999")));
  }

  Signer *signer = request.method == "PUT" ? server->upload_signer : server->signer;
  PG_RETURN_TEXT_P(presigned_url(signer, request, expires_in));
}
