#pragma once

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

/// Asks the store for the object of a pending upload, and checks that it is what was declared.
/// Raises 58P01 where it is not there, 23514 where it is not as declared, and the errors of
/// connections and of the store.
VerifiedObject verify_upload(const Server *server, const Upload &upload);

}  // namespace b2neon
