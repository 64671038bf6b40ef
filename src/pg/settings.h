#pragma once

#include "core/endpoint.h"
#include "pg/pg.h"

namespace b2neon {

/// Defines b2neon's settings.
void define_settings();

/// b2neon.keep_objects: whether rows of b2_files go without their objects, for those whom row-level
/// security does not apply to.
bool keep_objects();

/// Has it off until the settings' nest level ends: that of an OwnerScope.
void ignore_keep_objects();

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
