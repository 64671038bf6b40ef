#include "pg/cors.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/cors.h"
#include "core/endpoint.h"
#include "pg/answer.h"
#include "pg/arguments.h"
#include "pg/store.h"

namespace b2neon {

namespace {

// What browsers ask for before an upload with the headers of b2_presign_put(): names in lower case,
// sorted, without blanks.
constexpr const char *kUploadHeaders = "content-md5,content-type";

// One question after the other to a store, and what was wrong with its answers.
struct Trial {
  const Server *server;
  std::string_view object_key;  // in UTF-8
  std::string_view origin;
  StringInfoData problems;
  int refused_methods;
  const char *unanswered;  // why the store said neither yes nor no
};

void note(Trial *trial, const char *problem) {
  if (trial->problems.len > 0) appendStringInfoString(&trial->problems, "; ");
  appendStringInfoString(&trial->problems, problem);
}

void note_if_unanswered(Trial *trial, const Answer &answer) {
  if (answer.failure != HttpFailure::kNone || is_passing(answer)) {
    trial->unanswered = describe(answer);
  }
}

// Whether a browser would go on after its preflight.
bool passes(Trial *trial, const char *method, const char *headers) {
  StoreCall *call = preflight(trial->server, {trial->object_key, trial->origin, method, headers});
  const Answer answer = read_answer(call);
  note_if_unanswered(trial, answer);
  const CorsHeaders cors = read_cors_headers(*call->exchange());
  const bool ok = (is_status(answer, 200) || is_status(answer, 204)) &&
                  lets_in(cors, trial->origin) && allows_method(cors, method) &&
                  allows_headers(cors, headers);
  release(call);
  return ok;
}

// True if a page may go on with that method and these headers.
bool try_method(Trial *trial, const char *method, const char *headers) {
  if (trial->unanswered) return false;
  if (passes(trial, method, headers)) return true;
  if (headers[0] && passes(trial, method, "")) {
    note(trial, "the headers Content-Type and Content-MD5 are not both allowed");
  } else {
    note(trial, psprintf("%s is not allowed", method));
    trial->refused_methods++;
  }
  return false;
}

// Preflights say nothing of the answers to come. True if there was an answer to judge.
bool try_download(Trial *trial) {
  const NameValue origin[1] = {{"Origin", trial->origin}};
  StoreCall *call = ask_store(trial->server, {"GET", trial->object_key, {}, origin});
  const Answer answer = read_answer(call);
  note_if_unanswered(trial, answer);
  const bool is_read = is_status(answer, 200);
  if (is_read) {
    const CorsHeaders cors = read_cors_headers(*call->exchange());
    if (!lets_in(cors, trial->origin)) {
      note(trial, "the answer to a GET may not be read");
    } else if (!exposes_header(cors, "ETag")) {
      note(trial, "ETag is not exposed");
    }
  }
  release(call);
  return is_read;
}

// https://www.backblaze.com/docs/cloud-storage-cross-origin-resource-sharing-rules
// https://docs.aws.amazon.com/cli/latest/reference/s3api/put-bucket-cors.html
const char *rule_to_add(const Trial &trial) {
  const ServerOptions &options = trial.server->options;
  const int origin_length = length(trial.origin);
  const char *origin = trial.origin.data();
  return psprintf(
      "Add this rule to the bucket with B2's command line, whose key needs the capability "
      "writeBuckets: b2 bucket update --cors-rules "
      "'[{\"corsRuleName\": \"b2neon\", \"allowedOrigins\": [\"%.*s\"], \"allowedOperations\": "
      "[\"s3_put\", \"s3_get\", \"s3_head\"], \"allowedHeaders\": [\"content-type\", "
      "\"content-md5\"], \"exposeHeaders\": [\"etag\"], \"maxAgeSeconds\": 3600}]' %.*s\n"
      "Or with the S3 API: aws s3api put-bucket-cors --endpoint-url %.*s --bucket %.*s "
      "--cors-configuration '{\"CORSRules\": [{\"AllowedOrigins\": [\"%.*s\"], "
      "\"AllowedMethods\": [\"PUT\", \"GET\", \"HEAD\"], \"AllowedHeaders\": [\"content-type\", "
      "\"content-md5\"], \"ExposeHeaders\": [\"ETag\"], \"MaxAgeSeconds\": 3600}]}'\n"
      "Either replaces all the rules that the bucket has.",
      origin_length, origin, length(options.bucket), options.bucket.data(),
      length(options.endpoint_url), options.endpoint_url.data(), length(options.bucket),
      options.bucket.data(), origin_length, origin);
}

}  // namespace

Problem check_origin(std::string_view origin) {
  Endpoint parsed;
  if (parse_endpoint(origin, parsed) || origin.back() == '/') {
    return "it is not of the form http[s]://host[:port], with no path and no slash after it";
  }
  if (std::any_of(origin.begin(), origin.end(), is_ascii_upper)) {
    return "browsers write it in lower case";
  }
  const bool names_port = origin.size() > parsed.scheme.size() + 3 + parsed.host.size();
  if (names_port && parsed.has_default_port()) {
    return "browsers leave the scheme's own port out";
  }
  return nullptr;
}

CorsFinding try_cors(const Server *server, std::string_view object_key, bool is_there,
                     std::string_view origin) {
  Trial trial = {server, to_utf8(object_key), origin, {}, 0, nullptr};
  initStringInfo(&trial.problems);
  try_method(&trial, "PUT", kUploadHeaders);
  const bool may_get = try_method(&trial, "GET", "");
  try_method(&trial, "HEAD", "");
  const bool has_read = may_get && is_there && try_download(&trial);

  const int origin_length = length(origin);
  if (trial.unanswered) {
    return {false, psprintf("What a page of \"%.*s\" could do cannot be told. %s", origin_length,
                            origin.data(), trial.unanswered)};
  }
  if (trial.problems.len > 0) {
    return {false, psprintf("A page of \"%.*s\" could not work with the bucket: %s. %s",
                            origin_length, origin.data(),
                            trial.refused_methods < 3 ? trial.problems.data : "no rule lets it in",
                            rule_to_add(trial))};
  }
  return {
      true,
      psprintf(
          "A page of \"%.*s\" can PUT, with Content-Type and Content-MD5, GET and "
          "HEAD%s.",
          origin_length, origin.data(),
          has_read
              ? ", and read the ETag"
              : "; whether it can read the ETag was not tried, because no object could be read")};
}

}  // namespace b2neon
