#pragma once

#include "pg/identity.h"

namespace b2neon {

/// A function that can say who the caller is.
struct IdentityFunction {
  Oid oid;
  Oid owner;
  Oid result_type;
};

/// Raises 42809 unless the function has the form of one: a plain function without arguments that
/// returns one text, varchar, name, uuid, integer or bigint.
IdentityFunction require_identity_function(HeapTuple function);

/// Raises 42501 unless the current role may execute it.
void require_execute(const IdentityFunction &function);

/// What the function that was chosen says of the caller, in the current memory context; empty where
/// it says nothing. It runs with the rights of the caller. Raises 42501 where another function has
/// taken its name since. `chooser` is the role that the choice belongs to.
std::string_view user_id_from_function(const IdentitySource &source, Oid chooser);

}  // namespace b2neon
