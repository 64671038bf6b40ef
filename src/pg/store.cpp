#include "pg/store.h"

#include "core/header_value.h"
#include "pg/arguments.h"
#include "pg/settings.h"

namespace b2neon {

namespace {

AdoptedExchange *carry_out(AdoptedExchange *adopted) {
  if (!adopted->exchange) ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
  perform(adopted);
  return adopted;
}

}  // namespace

RequestLimits request_limits(const Server *server) {
  const EndpointPermission permission = endpoint_permission(server->options.endpoint);
  if (permission == EndpointPermission::kNo) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("endpoint of server \"%s\" is not allowed", NameStr(server->name)),
                    errhint("A superuser can add it to b2neon.allowed_endpoints.")));
  }
  return {server->options.connect_timeout, server->options.request_timeout,
          permission == EndpointPermission::kExactly};
}

AdoptedExchange *ask_store(const Server *server, const StoreRequest &request) {
  const RequestLimits limits = request_limits(server);
  AdoptedExchange *adopted = allocate_exchange();
  ObjectRequest object_request;
  object_request.method = request.method;
  object_request.object_key = request.object_key;
  object_request.query = request.query;
  object_request.signed_at = unix_time(GetCurrentTimestamp());
  adopted->exchange = signed_exchange(*server->signer, object_request, "", limits).release();
  return carry_out(adopted);
}

AdoptedExchange *put_to_store(const Server *server, const PresignedPut &put) {
  const RequestLimits limits = request_limits(server);
  AdoptedExchange *adopted = allocate_exchange();
  const NameValue content_type[1] = {{"Content-Type", put.content_type}};
  ObjectRequest request;
  request.method = "PUT";
  request.object_key = put.object_key;
  request.headers = content_type;
  request.signed_at = unix_time(GetCurrentTimestamp());
  adopted->exchange =
      presigned_exchange(*server->upload_signer, request, put.unsigned_headers, put.body, limits)
          .release();
  return carry_out(adopted);
}

AdoptedExchange *preflight(const Server *server, std::string_view object_key,
                           std::string_view origin) {
  const RequestLimits limits = request_limits(server);
  AdoptedExchange *adopted = allocate_exchange();
  const NameValue headers[3] = {{"Origin", origin},
                                {"Access-Control-Request-Method", "PUT"},
                                {"Access-Control-Request-Headers", "content-type,content-md5"}};
  ObjectRequest request;
  request.method = "OPTIONS";
  request.object_key = object_key;
  request.signed_at = unix_time(GetCurrentTimestamp());
  adopted->exchange =
      presigned_exchange(*server->upload_signer, request, headers, "", limits).release();
  return carry_out(adopted);
}

std::string_view keep_text(std::string_view text) {
  if (text.empty() || check_header_value(text)) return {};
  return {pnstrdup(text.data(), text.size()), text.size()};
}

std::string_view answer_header(const AdoptedExchange *adopted, std::string_view name) {
  return keep_text(adopted->exchange->header(name));
}

}  // namespace b2neon
