#pragma once

#include <string_view>

namespace b2neon {

class HttpExchange;

// What an answer lets a page of another origin do, as browsers judge it for requests without
// cookies: https://fetch.spec.whatwg.org/#http-cors-protocol

/// The headers of an answer that this is about; empty where there is none.
struct CorsHeaders {
  std::string_view allow_origin = {};
  std::string_view allow_methods = {};
  std::string_view allow_headers = {};
  std::string_view expose_headers = {};
};

/// They stay valid as long as the exchange.
CorsHeaders read_cors_headers(const HttpExchange &exchange) noexcept;

bool lets_in(const CorsHeaders &answer, std::string_view origin) noexcept;

/// Whether a preflight's answer lets the page go on with that method. GET and HEAD need not be in
/// its list.
bool allows_method(const CorsHeaders &answer, std::string_view method) noexcept;

/// Whether it lets the page set all the headers of this list, in which commas separate names.
bool allows_headers(const CorsHeaders &answer, std::string_view names) noexcept;

/// Whether the page may read that header of the answer.
bool exposes_header(const CorsHeaders &answer, std::string_view name) noexcept;

}  // namespace b2neon
