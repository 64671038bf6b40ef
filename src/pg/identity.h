#pragma once

#include "pg/pg.h"

namespace b2neon {

// Who a caller is: the current role, unless the owner of b2neon's tables has chosen another source.
// The choice is a row of the table b2_identity, which a dump carries and no setting overrides.

/// The most bytes that a user id can have, longer than any identity in use.
constexpr size_t kMaxUserIdLength = 1024;

/// What b2_user_id() returns, in the current memory context. Never empty: raises 42501 where the
/// chosen source names nobody, or cannot be trusted any more.
std::string_view caller_user_id(Oid schema);

/// Where the user comes from. For a function, what is needed to find it again; names are
/// null-terminated.
struct IdentitySource {
  enum class Kind { kCurrentUser, kJwtClaims, kFunction };

  Kind kind = Kind::kCurrentUser;
  const char *function_schema = nullptr;
  const char *function_name = nullptr;
  const char *function_owner = nullptr;
};

/// How the source is written in b2_set_identity(): `current_user`, `request.jwt.claims`, or the
/// function's qualified name with parentheses.
const char *source_text(const IdentitySource &source);

}  // namespace b2neon
