#pragma once

#include "pg/failure.h"
#include "pg/pg.h"
#include "pg/server.h"
#include "pg/uploads.h"

namespace b2neon {

/// What the store says of an object, in the current memory context.
struct VerifiedObject {
  int64 size;
  std::string_view content_type;
  std::string_view etag;        // data() == nullptr: not said
  std::string_view version_id;  // data() == nullptr: not said
};

/// A pending upload, and what the store says of its object.
struct Verification {
  const Server *server;
  const Upload *upload;
  VerifiedObject object;             // where it is what was declared
  const Failure *failure = nullptr;  // else: 58P01, 23514
};

/// Asks the store for the objects of pending uploads, side by side, and checks that they are what
/// was declared. Where it has no answer, or one that says nothing of the object, it asks no further
/// and raises the errors of connections and of the store.
void verify_uploads(std::span<Verification> verifications);

}  // namespace b2neon
