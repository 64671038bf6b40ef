#pragma once

#include "core/signer.h"
#include "pg/pg.h"

namespace b2neon {

/// The options of a foreign server, checked and with their defaults filled in. The texts point into
/// the list of options.
struct ServerOptions {
  std::string_view endpoint_url;  // without a slash at the end
  Endpoint endpoint;
  std::string_view bucket;
  std::string_view region;
  UrlStyle url_style = UrlStyle::kPath;
  bool is_public = false;
  std::string_view public_url;  // empty: <endpoint>/<bucket>
  std::string_view key_prefix;
  int64 max_upload_size = -1;              // -1: no limit
  int32 max_expires_in = kMaxExpiresIn;    // for confined callers
  std::string_view allowed_content_types;  // for confined callers; empty: all
  int32 upload_grace = 86400;
  int32 connect_timeout = 3000;
  int32 request_timeout = 10000;
};

/// The options of a user mapping.
struct MappingOptions {
  std::string_view key_id;
  std::string_view application_key;
  std::string_view upload_key_id;  // empty: key_id signs uploads too
  std::string_view upload_application_key;
};

/// The options in an array of texts `name=value`, as the catalogs have them: a list of DefElem. Of
/// each text there is one copy, which wipe_options() overwrites with zeros.
List *option_list(Datum options);
void wipe_options(List *options);

/// Both raise an error where an option is unknown, malformed or missing. `options` is a list of
/// DefElem. Errors of a user mapping keep the statement, which holds the secret, out of the log.
ServerOptions read_server_options(List *options);
MappingOptions read_mapping_options(List *options);

/// For the foreign data wrapper itself.
void require_no_options(List *options);

}  // namespace b2neon
