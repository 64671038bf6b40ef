#pragma once

#include "core/endpoint.h"
#include "pg/pg.h"

namespace b2neon {

/// Defines b2neon.server and b2neon.allowed_endpoints.
void define_settings();

/// b2neon.server.
const char *default_server_name();

enum class EndpointPermission {
  kNo,
  kPublic,   // covered by a pattern for a whole domain: its public addresses only
  kExactly,  // that very host is listed: wherever it is
};

/// What b2neon.allowed_endpoints says of an endpoint.
EndpointPermission endpoint_permission(const Endpoint &endpoint);

}  // namespace b2neon
