// What the parser of endpoints lets through cannot lead anywhere else, and patterns match only what
// they say.

#include <cstdint>
#include <string>

#include "core/ascii.h"
#include "core/bucket_name.h"
#include "core/endpoint.h"
#include "fuzz/require.h"

using namespace b2neon;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  const std::string_view url = text.substr(0, text.find('\0'));
  const std::string_view pattern = url.size() < size ? text.substr(url.size() + 1) : url;

  Endpoint endpoint;
  if (parse_endpoint(url, endpoint) != nullptr) return 0;
  REQUIRE(endpoint.scheme == "https" || endpoint.scheme == "http");
  REQUIRE(endpoint.port >= 1 && endpoint.port <= 65535);
  REQUIRE(!endpoint.host.empty() && endpoint.host.size() <= 253);
  for (const char c : endpoint.host) {
    REQUIRE(is_ascii_alnum(c) || c == '.' || c == '-' || c == '_' || c == '[' || c == ']' ||
            c == ':');
  }
  const std::string beginning = std::string(endpoint.scheme) + "://" + std::string(endpoint.host);
  REQUIRE(url.substr(0, beginning.size()) == beginning);
  const std::string_view region = b2_region(endpoint.host);
  REQUIRE(region.size() < endpoint.host.size() && region.find('.') == std::string_view::npos);

  // An endpoint is a pattern for itself.
  REQUIRE(endpoint_matches(endpoint, beginning + ":" + std::to_string(endpoint.port)));
  if (endpoint_matches(endpoint, pattern)) {
    REQUIRE(check_endpoint_pattern(pattern) == nullptr);
    REQUIRE(pattern.find("://") != std::string_view::npos || endpoint.scheme == "https");
  }
  return 0;
}
