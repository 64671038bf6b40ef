#pragma once

#include "core/object_exchange.h"
#include "pg/http.h"
#include "pg/server.h"

namespace b2neon {

// Requests from the database to the store. All of them go through here, where the list of allowed
// endpoints is asked once more: it may have become shorter since the server was created.

/// A request on its way to a store, in the memory context in which it was made. `server` and the
/// texts of the request must stay until it is over.
struct StoreCall {
  const Server *server;
  AdoptedCall *adopted;
  ObjectRequest request;
  std::string_view sent_method;  // to a presigned URL; a preflight's is not that of the URL
  std::span<const NameValue> unsigned_headers;
  std::string_view body;
  RequestLimits limits;
  bool is_presigned;  // and the key for uploads signs it

  bool done() const { return adopted->call->done(); }
  /// The last attempt. Only for a call that is done.
  const HttpExchange *exchange() const { return adopted->call->last_attempt(); }
};

/// A request to be signed in its headers, with the key for all but uploads.
struct StoreRequest {
  const char *method;
  std::string_view object_key;  // in UTF-8; empty: the bucket
  std::span<const NameValue> query = {};
  std::span<const NameValue> headers = {};
  int32 time_limit = 0;          // milliseconds; 0: the server's request_timeout
  bool has_long_answer = false;  // as a list of a thousand long keys is
  std::string_view body = {};
};

/// Raises 42501 where the server's endpoint is not allowed (any more).
void require_allowed_endpoint(const Server *server);

/// Prepares a request that may be repeated. Raises 42501 where the server's endpoint is not allowed
/// (any more).
StoreCall *prepare_request(const Server *server, const StoreRequest &request);

/// Carries requests out side by side. Raises the errors of interrupts, and 53200 where memory runs
/// out; whether there is an answer is for the caller to look at. After one of which `ends_all` is
/// true, the others need not be done.
void carry_out(std::span<StoreCall *const> calls, bool (*ends_all)(const HttpCall &call) = nullptr);

/// Both for a single request.
StoreCall *ask_store(const Server *server, const StoreRequest &request);

void release(StoreCall *call);

/// A PUT as somebody would send it who has been given a presigned URL for it. It is not repeated:
/// each attempt could make another version.
struct PresignedPut {
  std::string_view object_key;  // in UTF-8
  std::string_view content_type;
  std::string_view body;
  std::span<const NameValue> unsigned_headers;
};

StoreCall *put_to_store(const Server *server, const PresignedPut &put);

/// What a browser sends to a presigned URL before it uses it for a page of another origin.
struct Preflight {
  std::string_view object_key;  // in UTF-8
  std::string_view origin;
  std::string_view method;   // for which the URL is signed
  std::string_view headers;  // names of those that the page sets, separated by commas
};

StoreCall *preflight(const Server *server, const Preflight &preflight);

}  // namespace b2neon
