#include "core/object_key.h"
#include "pg/arguments.h"
#include "pg/registration.h"

B2NEON_SQL_FUNCTION(b2_register_file)

namespace b2neon {

namespace {

constexpr int kObjectKey = 0, kUserId = 1, kPublicFileUrl = 2, kVerify = 3, kMetadata = 4,
              kServer = 5;

Problem check_public_file_url(std::string_view url) {
  if (url.empty()) return "it is empty";
  for (char c : url) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return "it contains a control character";
  }
  return nullptr;
}

std::string_view public_file_url_argument(FunctionCallInfo fcinfo, bool confined) {
  const std::string_view url = optional_text(fcinfo, kPublicFileUrl);
  if (is_null(url)) return url;
  if (confined) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("role \"%s\" cannot give the public URL of a file",
                           GetUserNameFromId(GetUserId(), false)),
                    errhint("Leave public_file_url out: it follows from the server's options.")));
  }
  check_argument(check_public_file_url(url), "public_file_url", url);
  return url;
}

}  // namespace

}  // namespace b2neon

/// b2_register_file(object_key, user_id, public_file_url, verify, metadata, server) → the row
Datum b2_register_file(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  TupleDesc row_type;
  if (get_call_result_type(fcinfo, nullptr, &row_type) != TYPEFUNC_COMPOSITE) {
    elog(ERROR, "return type must be a row type");
  }
  row_type = BlessTupleDesc(row_type);

  Registration registration;
  registration.object_key = required_text(fcinfo, kObjectKey, "object_key");
  check_argument(check_object_key(to_utf8(registration.object_key)), "object_key",
                 registration.object_key);
  RegistrationTerms terms = registration_terms(fcinfo, kUserId, kVerify, kServer);
  terms.public_file_url = public_file_url_argument(fcinfo, terms.confined);
  terms.metadata = metadata_argument(fcinfo, kMetadata);

  Registration *one[1] = {&registration};
  register_uploads(terms, one, row_type, "b2_register_file()");
  if (registration.failure) raise(*registration.failure);
  return registration.row;
}
