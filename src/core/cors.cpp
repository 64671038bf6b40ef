#include "core/cors.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/http_client.h"

namespace b2neon {

namespace {

std::string_view trimmed(std::string_view text) noexcept {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the first element away from a list that is not empty.
std::string_view take_first(std::string_view &list) noexcept {
  const std::string_view element = list.substr(0, list.find(','));
  list.remove_prefix(std::min(list.size(), element.size() + 1));
  return trimmed(element);
}

// Names of methods keep their case; those of headers have none.
bool lists(std::string_view list, std::string_view name, bool ignoring_case) noexcept {
  while (!list.empty()) {
    const std::string_view element = take_first(list);
    if (element == "*" || element == name) return true;
    if (ignoring_case && equal_ignoring_case(element, name)) return true;
  }
  return false;
}

}  // namespace

CorsHeaders read_cors_headers(const HttpExchange &exchange) noexcept {
  return {exchange.header("Access-Control-Allow-Origin"),
          exchange.header("Access-Control-Allow-Methods"),
          exchange.header("Access-Control-Allow-Headers"),
          exchange.header("Access-Control-Expose-Headers")};
}

bool lets_in(const CorsHeaders &answer, std::string_view origin) noexcept {
  return answer.allow_origin == "*" || answer.allow_origin == origin;
}

bool allows_method(const CorsHeaders &answer, std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || lists(answer.allow_methods, method, false);
}

bool allows_headers(const CorsHeaders &answer, std::string_view names) noexcept {
  while (!names.empty()) {
    if (!lists(answer.allow_headers, take_first(names), true)) return false;
  }
  return true;
}

bool exposes_header(const CorsHeaders &answer, std::string_view name) noexcept {
  return lists(answer.expose_headers, name, true);
}

}  // namespace b2neon
