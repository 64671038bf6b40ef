#pragma once

#include "core/object_exchange.h"
#include "pg/http.h"
#include "pg/server.h"

namespace b2neon {

// Requests from the database to the store. All of them go through here, where the list of allowed
// endpoints is asked once more: it may have become shorter since the server was created.

/// What a request to the server may do. Raises 42501 where its endpoint is not allowed (any more).
RequestLimits request_limits(const Server *server);

/// A request to an object of the server's bucket, to be signed in its headers with the key for all
/// but uploads.
struct StoreRequest {
  const char *method;
  std::string_view object_key;  // in UTF-8
  std::span<const NameValue> query;
};

/// Carries the request out, and returns the exchange whether it has an answer or not.
AdoptedExchange *ask_store(const Server *server, const StoreRequest &request);

/// A PUT as somebody would send it who has been given a presigned URL for it.
struct PresignedPut {
  std::string_view object_key;  // in UTF-8
  std::string_view content_type;
  std::string_view body;
  std::span<const NameValue> unsigned_headers;
};

AdoptedExchange *put_to_store(const Server *server, const PresignedPut &put);

/// What a browser asks before it PUTs from a page of `origin`.
AdoptedExchange *preflight(const Server *server, std::string_view object_key,
                           std::string_view origin);

/// A header of an answer as it can stand in a message or a row, in the current memory context;
/// data() == nullptr where there is none, or one that cannot.
std::string_view answer_header(const AdoptedExchange *adopted, std::string_view name);

/// The same for a text that was read from an answer.
std::string_view keep_text(std::string_view text);

}  // namespace b2neon
