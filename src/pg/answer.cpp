#include "pg/answer.h"

#include "core/header_value.h"
#include "core/http_date.h"
#include "core/retry.h"
#include "pg/arguments.h"

namespace b2neon {

namespace {

const char *seconds_text(int64 seconds) {
  return psprintf(INT64_FORMAT " second%s", seconds, seconds == 1 ? "" : "s");
}

const char *attempts_text(const Answer &answer) {
  return psprintf("attempts: %d", answer.attempts);
}

// Without a full stop, because more comes after it.
const char *message_text(const S3Error &error) {
  size_t size = strlen(error.message);
  while (size > 0 && (error.message[size - 1] == '.' || error.message[size - 1] == ' ')) size--;
  return pnstrdup(error.message, size);
}

}  // namespace

Answer read_answer(const StoreCall *call) {
  const HttpExchange *exchange = call->exchange();
  Answer answer = {};
  answer.failure = exchange->failure();
  answer.failure_text = pstrdup(exchange->failure_text());
  answer.attempts = call->adopted->call->attempts();
  if (answer.failure != HttpFailure::kNone) return answer;

  answer.status = exchange->status();
  answer.has_error = read_s3_error(exchange->body(), answer.error);
  const std::string_view request_id = keep_text(exchange->header("x-amz-request-id"));
  if (!is_null(request_id))
    strlcpy(answer.error.request_id, quotable(request_id), sizeof answer.error.request_id);
  if (const auto asked = asked_to_wait(*exchange)) answer.wait_seconds = asked->count();
  if (const auto date = read_http_date(exchange->header("Date"))) {
    answer.has_date = true;
    // The request was signed when it began, and answered half-way on the average.
    const int64 took = call->adopted->call->last_attempt_took().count();
    answer.clock_skew = call->request.signed_at + took / 2000 - *date;
  }
  return answer;
}

bool is_redirect(const Answer &answer) {
  return answer.status >= 300 && answer.status < 400;
}

bool is_passing(const Answer &answer) {
  return is_passing_status(answer.status);
}

// B2 says UnauthorizedAccess where others say AccessDenied.
bool key_is_known(const Answer &answer) {
  return is_status(answer, 200) || is_status(answer, 204) || has_code(answer, "AccessDenied") ||
         has_code(answer, "UnauthorizedAccess") || has_code(answer, "NoSuchBucket") ||
         has_code(answer, "NoSuchKey");
}

bool has_code(const Answer &answer, const char *code) {
  return strcmp(answer.error.code, code) == 0;
}

bool is_status(const Answer &answer, int status) {
  return answer.failure == HttpFailure::kNone && answer.status == status && !answer.has_error;
}

const char *describe(const Answer &answer) {
  if (answer.failure != HttpFailure::kNone) {
    return psprintf("The request failed: %s (%s).", answer.failure_text, attempts_text(answer));
  }
  StringInfoData text;
  initStringInfo(&text);
  appendStringInfo(&text, "The store answered with HTTP status %d", answer.status);
  if (answer.error.code[0] != '\0') appendStringInfo(&text, ", code %s", answer.error.code);
  if (answer.error.message[0] != '\0') appendStringInfo(&text, ": %s", message_text(answer.error));
  appendStringInfo(&text, " (request id %s, %s).",
                   answer.error.request_id[0] != '\0' ? answer.error.request_id : "none",
                   attempts_text(answer));
  return text.data;
}

int64 clock_difference(const Answer &answer) {
  return answer.clock_skew < 0 ? -answer.clock_skew : answer.clock_skew;
}

const char *describe_clock_skew(const Answer &answer) {
  return psprintf(
      "The clock of the database server is %s %s the store's. Synchronise it, with NTP for "
      "example.",
      seconds_text(clock_difference(answer)), answer.clock_skew < 0 ? "behind" : "ahead of");
}

const char *advice(const Answer &answer, const Server *server, const char *capability,
                   bool is_upload) {
  const bool has_upload_key = is_upload && server->signer != server->upload_signer;
  const char *prefix = has_upload_key ? "upload_" : "";
  switch (answer.failure) {
    case HttpFailure::kNone:
      break;
    case HttpFailure::kNameLookup:
      return "Check the endpoint of the server, and the name service of the database server.";
    case HttpFailure::kCertificate:
      return "The certificate must be that of the endpoint's host, and from an authority that the "
             "database server's operating system trusts.";
    case HttpFailure::kConnect:
    case HttpFailure::kTls:
    case HttpFailure::kMalformed:
      return "Check scheme, host and port of the server's endpoint.";
    case HttpFailure::kTimeout:
      return psprintf(
          "Limits are the server's options connect_timeout (%d ms) and request_timeout "
          "(%d ms).",
          server->options.connect_timeout, server->options.request_timeout);
    default:
      return nullptr;
  }
  if (answer.wait_seconds > 0) {
    return psprintf("The store asks for a pause of %s.", seconds_text(answer.wait_seconds));
  }
  const bool is_refused = answer.status == 401 || answer.status == 403;
  const bool is_skewed = answer.has_date && clock_difference(answer) > kMaxClockSkewSeconds;
  if (has_code(answer, "RequestTimeTooSkewed") || (is_refused && is_skewed)) {
    return is_skewed ? describe_clock_skew(answer)
                     : "Compare the clock of the database server with the right time.";
  }
  if (has_code(answer, "InvalidAccessKeyId")) {
    return psprintf(
        "Check %skey_id of the user mapping, and that the endpoint is that of the key's "
        "region. B2's master key does not work here.",
        prefix);
  }
  if (has_code(answer, "SignatureDoesNotMatch")) {
    return psprintf(
        "Check %sapplication_key of the user mapping: it is not the one that belongs to "
        "%skey_id. Otherwise check region and endpoint of the server.",
        prefix, prefix);
  }
  if (has_code(answer, "AuthorizationHeaderMalformed")) {
    return "Check region and endpoint of the server.";
  }
  if (has_code(answer, "NoSuchBucket")) return "Check the option bucket of the server.";
  const char *bucket =
      server->options.key_prefix.empty() ? "this bucket" : "this bucket and for key_prefix";
  if (key_is_known(answer) && is_refused) {
    return psprintf("The key that %skey_id names needs the capability %s for %s.", prefix,
                    capability, bucket);
  }
  if (is_refused) {
    return psprintf(
        "Check %skey_id and %sapplication_key of the user mapping, and that the key has "
        "the capability %s for %s.",
        prefix, prefix, capability, bucket);
  }
  if (is_redirect(answer)) {
    return "Redirects are not followed. Check endpoint and region of the server.";
  }
  return nullptr;
}

Failure no_answer(const Answer &answer, const Server *server) {
  int code;
  switch (answer.failure) {
    case HttpFailure::kForbiddenAddress:
      return {ERRCODE_INSUFFICIENT_PRIVILEGE,
              psprintf("endpoint of server \"%s\" is at an address that is not allowed",
                       NameStr(server->name)),
              "The host name leads to a private, loopback or link-local address.",
              "Such an address is reached only if b2neon.allowed_endpoints lists that very host, "
              "and not by a pattern. A superuser can add it."};
    case HttpFailure::kNameLookup:
    case HttpFailure::kConnect:
    case HttpFailure::kTls:
    case HttpFailure::kCertificate:
      code = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
      break;
    case HttpFailure::kMalformed:
    case HttpFailure::kTooLarge:
      code = ERRCODE_PROTOCOL_VIOLATION;
      break;
    default:
      code = ERRCODE_CONNECTION_FAILURE;
  }
  return {code, psprintf("no answer from the store of server \"%s\"", NameStr(server->name)),
          describe(answer), advice(answer, server, "", false)};
}

std::string_view keep_text(std::string_view text) {
  constexpr size_t kLongest = 1024;  // as long as the longest version id of S3
  if (text.empty() || text.size() > kLongest || check_header_value(text)) return {};
  return {pnstrdup(text.data(), text.size()), text.size()};
}

std::string_view answer_header(const StoreCall *call, std::string_view name) {
  return keep_text(call->exchange()->header(name));
}

}  // namespace b2neon
