#include "core/endpoint.h"

#include <algorithm>

#include "core/ascii.h"

namespace b2neon {

namespace {

constexpr size_t kMaxHostLength = 253;  // RFC 1035

// A name by its form, which an IPv4 address has too.
bool has_form_of_name(std::string_view host) noexcept {
  bool label_is_empty = true;
  char last = '\0';
  for (char c : host) {
    if (c == '.') {
      if (label_is_empty || last == '-') return false;
      label_is_empty = true;
    } else if (is_ascii_alnum(c) || c == '_' || (c == '-' && !label_is_empty)) {
      label_is_empty = false;
    } else {
      return false;
    }
    last = c;
  }
  return !label_is_empty && last != '-';
}

bool is_bracketed_ipv6(std::string_view host) noexcept {
  if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
  for (char c : host.substr(1, host.size() - 2)) {
    if (!is_ascii_hex_digit(c) && c != ':' && c != '.') return false;
  }
  return true;
}

Problem parse_port(std::string_view text, int &port) noexcept {
  constexpr Problem kProblem = "the port must be a number from 1 to 65535";
  if (text.empty() || text.size() > 5) return kProblem;
  port = 0;
  for (char c : text) {
    if (!is_ascii_digit(c)) return kProblem;
    port = 10 * port + (c - '0');
  }
  return port >= 1 && port <= 65535 ? nullptr : kProblem;
}

// What comes after the scheme. `wildcard` says whether the host may begin with "*.".
Problem parse_authority(std::string_view authority, bool wildcard, Endpoint &endpoint) noexcept {
  size_t host_end = authority.find(']');
  host_end = authority.find(':', host_end == std::string_view::npos ? 0 : host_end);
  endpoint.host = authority.substr(0, host_end);
  endpoint.port = endpoint.scheme == "https" ? 443 : 80;
  if (host_end != std::string_view::npos) {
    if (Problem problem = parse_port(authority.substr(host_end + 1), endpoint.port)) return problem;
  }

  std::string_view name = endpoint.host;
  if (wildcard && name.substr(0, 2) == "*.") name.remove_prefix(2);
  if (name.empty()) return "the host is missing";
  if (name.size() > kMaxHostLength) return "the host name is too long";
  if (!has_form_of_name(name) && !is_bracketed_ipv6(name)) return "the host is not a host name";
  return nullptr;
}

}  // namespace

Problem parse_endpoint(std::string_view url, Endpoint &endpoint) noexcept {
  size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) {
    return "it must begin with https:// (or http:// where b2neon.allowed_endpoints says so)";
  }
  endpoint.scheme = url.substr(0, scheme_end);
  if (endpoint.scheme != "https" && endpoint.scheme != "http") {
    return "the scheme must be https or http";
  }
  std::string_view authority = url.substr(scheme_end + 3);
  if (!authority.empty() && authority.back() == '/') authority.remove_suffix(1);
  if (authority.find('@') != std::string_view::npos) return "it must not contain a user name";
  if (authority.find_first_of("/?#") != std::string_view::npos) {
    return "it must end after the host and port: no path, no query";
  }
  return parse_authority(authority, false, endpoint);
}

bool is_host_name(std::string_view host) noexcept {
  if (host.empty() || host.front() == '[') return false;
  // No top-level domain is a number, so what ends in one is an IPv4 address.
  const std::string_view last_label = host.substr(host.find_last_of('.') + 1);
  return !std::all_of(last_label.begin(), last_label.end(), is_ascii_digit);
}

std::string_view b2_region(std::string_view host) noexcept {
  constexpr std::string_view kPrefix = "s3.";
  constexpr std::string_view kSuffix = ".backblazeb2.com";
  if (host.size() <= kPrefix.size() + kSuffix.size()) return {};
  if (!equal_ignoring_case(host.substr(0, kPrefix.size()), kPrefix)) return {};
  if (!equal_ignoring_case(host.substr(host.size() - kSuffix.size()), kSuffix)) return {};
  std::string_view region =
      host.substr(kPrefix.size(), host.size() - kPrefix.size() - kSuffix.size());
  return region.find('.') == std::string_view::npos ? region : std::string_view();
}

namespace {

Problem parse_pattern(std::string_view pattern, Endpoint &endpoint) noexcept {
  size_t scheme_end = pattern.find("://");
  if (scheme_end == std::string_view::npos) {
    endpoint.scheme = "https";
    return parse_authority(pattern, true, endpoint);
  }
  endpoint.scheme = pattern.substr(0, scheme_end);
  if (endpoint.scheme != "https" && endpoint.scheme != "http") {
    return "the scheme must be https or http";
  }
  return parse_authority(pattern.substr(scheme_end + 3), true, endpoint);
}

}  // namespace

bool endpoint_matches(const Endpoint &endpoint, std::string_view pattern) noexcept {
  Endpoint allowed;
  if (parse_pattern(pattern, allowed)) return false;
  if (endpoint.scheme != allowed.scheme || endpoint.port != allowed.port) return false;
  if (allowed.host.substr(0, 2) != "*.") return equal_ignoring_case(endpoint.host, allowed.host);
  std::string_view suffix = allowed.host.substr(1);
  return endpoint.host.size() > suffix.size() &&
         equal_ignoring_case(endpoint.host.substr(endpoint.host.size() - suffix.size()), suffix);
}

Problem check_endpoint_pattern(std::string_view pattern) noexcept {
  Endpoint endpoint;
  return parse_pattern(pattern, endpoint);
}

}  // namespace b2neon
