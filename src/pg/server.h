#pragma once

#include "core/signer.h"
#include "pg/options.h"
#include "pg/pg.h"

namespace b2neon {

/// A foreign server with the application key that the current role uses it with, ready to sign.
///
/// It stays as it was found, whatever the catalogs say later, until the current transaction ends.
/// Nothing may keep it longer.
struct Server {
  NameData name;
  ServerOptions options;
  Signer *signer;         // for all but uploads
  Signer *upload_signer;  // may be the same
};

/// Whether the server is a bucket: one of b2neon's foreign data wrapper.
bool is_bucket(const ForeignServer *server);

/// The server of that name (in the database's encoding; NULL: b2neon.server) for the current role.
/// Raises 42704 where there is no such server or no user mapping, and 42501 without USAGE.
const Server *find_server(std::string_view name);

/// The same for an argument of type name.
const Server *find_server_argument(FunctionCallInfo fcinfo, int argument);

/// The names (char *) of all servers that are another bucket. A list in the current memory context.
List *servers_of_other_buckets(const Server *server);

/// The URL under which a public bucket shows an object, allocated in the current memory context;
/// empty with data() == nullptr where the bucket is private. The key is in UTF-8.
std::string_view public_file_url(const Server *server, std::string_view object_key);

}  // namespace b2neon
