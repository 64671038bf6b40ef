#pragma once

#include "pg/pg.h"
#include "pg/server.h"

namespace b2neon {

// Who may do what. Every function that hands out a URL or records a file asks here.

/// Whether the current role is confined to the rows of b2_files that it can see: whether row-level
/// security on that table applies to it. `schema` is the extension's.
bool caller_is_confined(Oid schema);

/// Raises 42501 for a confined caller. `what` completes "… is not allowed for role x".
void require_unconfined(Oid schema, const char *what);

/// Raises unless a confined caller may have a URL of that lifetime, or upload such a file (a size
/// of -1: none declared).
void check_confined_lifetime(const Server *server, int32 seconds);
void check_confined_upload(const Server *server, std::string_view content_type, int64 size);

}  // namespace b2neon
