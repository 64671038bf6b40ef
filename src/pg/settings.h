#pragma once

#include "core/endpoint.h"
#include "pg/pg.h"

namespace b2neon {

/// Defines b2neon's settings.
void define_settings();

/// b2neon.keep_objects: whether rows of b2_files go without their objects, for those whom row-level
/// security does not apply to.
bool keep_objects();

/// Both hold until the settings' nest level ends: that of an OwnerScope.
///
/// Has keep_objects() off.
void ignore_keep_objects();
/// Has the planner look rows up by an index, one by one and in its order. It knows little of
/// queues, whose statistics are never up to date; and a plan that was made for many rows has to do
/// for a single one, because it is kept.
void plan_by_index();

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
