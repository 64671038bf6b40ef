#pragma once

#include <string_view>

#include "core/problem.h"

namespace b2neon {

/// The address of an S3 service: scheme, host and port of its URL. The parts point into the text
/// that was parsed.
struct Endpoint {
  std::string_view scheme;  // "https" or "http"
  std::string_view host;    // a name, an IPv4 address, or an IPv6 address in brackets
  int port = 0;             // the scheme's own where the URL names none

  bool has_default_port() const noexcept { return port == (scheme == "https" ? 443 : 80); }
};

/// Reads `https://host[:port]`. Anything more than that (a path, a user name, a query) is a
/// problem, because it would not be part of what is signed. A single slash at the end is let
/// through.
Problem parse_endpoint(std::string_view url, Endpoint &endpoint) noexcept;

/// Whether `host`, as parse_endpoint() gives it, is a name rather than an address.
bool is_host_name(std::string_view host) noexcept;

/// The region in a Backblaze B2 host name, `s3.<region>.backblazeb2.com`, as it is written there;
/// empty for any other host.
/// https://www.backblaze.com/docs/cloud-storage-call-the-s3-compatible-api
std::string_view b2_region(std::string_view host) noexcept;

/// Whether `endpoint` is covered by `pattern`, one entry of b2neon.allowed_endpoints:
/// `[scheme://]host[:port]`, where no scheme means https, no port the scheme's own, and a host of
/// the form `*.example.com` every name that ends in `.example.com`.
bool endpoint_matches(const Endpoint &endpoint, std::string_view pattern) noexcept;

/// Whether `pattern` is a well-formed entry of b2neon.allowed_endpoints.
Problem check_endpoint_pattern(std::string_view pattern) noexcept;

}  // namespace b2neon
