#pragma once

#include "pg/failure.h"
#include "pg/pg.h"
#include "pg/uploads.h"

namespace b2neon {

// Taking pending uploads over into b2_files: what b2_register_file() and b2_register_files() share.

/// What a caller says of all files that are to be registered.
struct RegistrationTerms {
  Oid schema;
  bool confined;
  std::string_view user_id;          // data() == nullptr: whoever the upload was issued to
  std::string_view public_file_url;  // data() == nullptr: by the server's options
  bool verify;
  Jsonb *metadata;          // nullptr: that of the upload alone
  std::string_view server;  // data() == nullptr: whichever the upload was issued for
};

/// One file on its way. In the end it has a row or a failure, unless another one has failed.
struct Registration {
  std::string_view object_key;
  Datum row = 0;  // a composite of the row type; 0: none
  const Failure *failure = nullptr;
};

/// Reads the arguments that both functions have, and raises an error where a confined caller says
/// what only others may say.
RegistrationTerms registration_terms(FunctionCallInfo fcinfo, int user_id, int verify, int server);

/// Registers the uploads of these keys, each of which is there once. Either all of them have a row
/// afterwards, or nothing was changed and some have a failure. The rows are written in the order of
/// `registrations`: two sessions that write the same ones must agree on it.
void register_uploads(const RegistrationTerms &terms, std::span<Registration *const> registrations,
                      TupleDesc row_type, const char *function);

}  // namespace b2neon
