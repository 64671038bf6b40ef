#include "pg/store.h"

#include "pg/arguments.h"
#include "pg/failure.h"
#include "pg/settings.h"

namespace b2neon {

namespace {

// A thousand entries with keys of 1024 bytes, each of which takes three characters, and more.
constexpr size_t kLongAnswer = 8 << 20;

RequestLimits request_limits(const Server *server) {
  require_allowed_endpoint(server);
  const EndpointPermission permission = endpoint_permission(server->options.endpoint);
  RequestLimits limits = {};
  limits.connect_timeout_ms = server->options.connect_timeout;
  limits.request_timeout_ms = server->options.request_timeout;
  limits.allow_private_address = permission == EndpointPermission::kExactly;
  return limits;
}

std::span<const NameValue> copy(std::span<const NameValue> values) {
  if (values.empty()) return {};
  void *room = palloc(values.size_bytes());
  memcpy(room, values.data(), values.size_bytes());
  return {static_cast<const NameValue *>(room), values.size()};
}

// Called by the core for each attempt, which is signed with the time of its own.
std::unique_ptr<HttpExchange> make_attempt(StoreCall *call) noexcept {
  call->request.signed_at = unix_time(GetCurrentTimestamp());
  return call->is_presigned
             ? presigned_exchange(*call->server->upload_signer, call->request, call->sent_method,
                                  call->unsigned_headers, call->body, call->limits)
             : signed_exchange(*call->server->signer, call->request, call->body, call->limits);
}

HttpCall *new_http_call(StoreCall *call, bool may_be_repeated) noexcept {
  return new (std::nothrow)
      HttpCall([call] { return make_attempt(call); },
               std::chrono::milliseconds(call->limits.request_timeout_ms), may_be_repeated);
}

StoreCall *new_call(const Server *server) {
  StoreCall *call = static_cast<StoreCall *>(palloc0(sizeof(StoreCall)));
  call->server = server;
  call->limits = request_limits(server);
  call->adopted = allocate_call();
  return call;
}

void finish(StoreCall *call, bool may_be_repeated) {
  call->adopted->call = new_http_call(call, may_be_repeated);
  if (!call->adopted->call) raise_out_of_memory();
}

StoreCall *carried_out(StoreCall *call) {
  carry_out({&call, 1});
  return call;
}

}  // namespace

void require_allowed_endpoint(const Server *server) {
  if (endpoint_permission(server->options.endpoint) != EndpointPermission::kNo) return;
  ereport(ERROR,
          (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
           errmsg("endpoint of server \"%s\" is not allowed", NameStr(server->name)),
           errhint("A superuser can add %.*s to b2neon.allowed_endpoints.",
                   length(server->options.endpoint_url), server->options.endpoint_url.data())));
}

StoreCall *prepare_request(const Server *server, const StoreRequest &request) {
  StoreCall *call = new_call(server);
  call->request.method = request.method;
  call->request.object_key = request.object_key;
  call->request.query = copy(request.query);
  call->request.headers = copy(request.headers);
  call->body = request.body;
  if (request.time_limit > 0) call->limits.request_timeout_ms = request.time_limit;
  if (request.has_long_answer) call->limits.max_body_size = kLongAnswer;
  finish(call, true);
  return call;
}

void carry_out(std::span<StoreCall *const> calls, bool (*ends_all)(const HttpCall &call)) {
  AdoptedCall **list = static_cast<AdoptedCall **>(palloc(calls.size_bytes() + 1));
  for (size_t i = 0; i < calls.size(); i++) list[i] = calls[i]->adopted;
  carry_out(std::span<AdoptedCall *const>(list, calls.size()), ends_all);
  for (const StoreCall *call : calls) {
    if (!call->done()) continue;
    if (!call->exchange() || call->exchange()->failure() == HttpFailure::kOutOfMemory) {
      raise_out_of_memory();
    }
  }
  pfree(list);
}

StoreCall *ask_store(const Server *server, const StoreRequest &request) {
  return carried_out(prepare_request(server, request));
}

void release(StoreCall *call) {
  release(call->adopted);
}

StoreCall *put_to_store(const Server *server, const PresignedPut &put) {
  StoreCall *call = new_call(server);
  const NameValue content_type[1] = {{"Content-Type", put.content_type}};
  call->request.method = "PUT";
  call->request.object_key = put.object_key;
  call->request.headers = copy(content_type);
  call->sent_method = "PUT";
  call->unsigned_headers = copy(put.unsigned_headers);
  call->body = put.body;
  call->is_presigned = true;
  finish(call, false);
  return carried_out(call);
}

StoreCall *preflight(const Server *server, const Preflight &preflight) {
  StoreCall *call = new_call(server);
  const NameValue headers[3] = {{"Origin", preflight.origin},
                                {"Access-Control-Request-Method", preflight.method},
                                {"Access-Control-Request-Headers", preflight.headers}};
  call->request.method = preflight.method;
  call->request.object_key = preflight.object_key;
  call->sent_method = "OPTIONS";
  call->unsigned_headers = copy({headers, preflight.headers.empty() ? size_t{2} : size_t{3}});
  call->is_presigned = true;
  finish(call, true);
  return carried_out(call);
}

}  // namespace b2neon
