#pragma once

#include <sys/socket.h>

namespace b2neon {

/// Whether `address` is one of the public Internet: not private, loopback, link-local, multicast,
/// documentation, or otherwise special (the IANA special-purpose address registries).
/// A URL that leads anywhere else could be used to reach what only the database's host can reach.
bool is_public_address(const sockaddr *address) noexcept;

}  // namespace b2neon
