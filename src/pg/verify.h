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
  VerifiedObject object;             // where it is what was declared, else
  const Failure *failure = nullptr;  // 58P01: not there, 23514: not as declared, or the errors
                                     // of connections and of the store
};

/// Asks the store for the objects of pending uploads, side by side, and checks that they are what
/// was declared.
void verify_uploads(std::span<Verification> verifications);

}  // namespace b2neon
