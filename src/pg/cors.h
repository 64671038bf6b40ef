#pragma once

#include "core/problem.h"
#include "pg/server.h"

namespace b2neon {

// Whether a bucket's CORS rules let a web page upload and download by itself.

/// Why `origin` is not one that a browser could send, as the first of
/// https://www.rfc-editor.org/rfc/rfc6454#section-6.2
Problem check_origin(std::string_view origin);

struct CorsFinding {
  bool ok;
  const char *detail;  // with the rule to add, where it is not ok
};

/// Asks the store as a browser would for a page of `origin`. `object_key`, in the database's
/// encoding, is that of an object which is read, if `is_there`.
CorsFinding try_cors(const Server *server, std::string_view object_key, bool is_there,
                     std::string_view origin);

}  // namespace b2neon
