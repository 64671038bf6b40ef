#include "core/endpoint.h"
#include "core/object_head.h"
#include "core/percent_encoding.h"
#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/generated_key.h"
#include "pg/row_set.h"
#include "pg/settings.h"
#include "pg/store.h"
#include "pg/tables.h"

B2NEON_SQL_FUNCTION(b2_check)

namespace b2neon {

namespace {

constexpr std::string_view kBody = "b2neon tries whether uploads work";

// One check of a server, with the rows that say what came out.
struct Check {
  const Server *server;
  RowSet *rows;

  void say(const char *item, bool ok, const char *detail) const {
    const Datum values[3] = {CStringGetTextDatum(item), BoolGetDatum(ok),
                             CStringGetTextDatum(detail)};
    const bool nulls[3] = {};
    rows->add(values, nulls);
  }
};

// A small object of the check's own.
struct Probe {
  std::string_view object_key;  // in the database's encoding
  std::string_view version_id;  // data() == nullptr: not known, or the bucket keeps none
  bool is_there = false;
};

Probe new_probe(const Server *server) {
  Probe probe;
  probe.object_key = generate_object_key(server->options.key_prefix, "b2neon-check");
  return probe;
}

// What there is to say of an answer that is not the one hoped for.
const char *describe(const AdoptedExchange *adopted, const char *advice) {
  const HttpExchange *exchange = adopted->exchange;
  if (exchange->failure() != HttpFailure::kNone) {
    return psprintf("There was no answer: %s.", exchange->failure_text());
  }
  return psprintf("The store answered with HTTP status %d. %s", exchange->status(), advice);
}

bool is_status(const AdoptedExchange *adopted, int status) {
  return adopted->exchange->failure() == HttpFailure::kNone &&
         adopted->exchange->status() == status;
}

bool check_endpoint(const Check &check) {
  const bool ok = endpoint_permission(check.server->options.endpoint) != EndpointPermission::kNo;
  check.say("endpoint", ok,
            ok ? "It is allowed by b2neon.allowed_endpoints."
               : "It is not allowed: a superuser can add it to b2neon.allowed_endpoints.");
  return ok;
}

bool check_upload(const Check &check, Probe *probe) {
  AdoptedExchange *adopted =
      put_to_store(check.server, {to_utf8(probe->object_key), "text/plain", kBody, {}});
  probe->is_there = is_status(adopted, 200);
  if (probe->is_there) probe->version_id = answer_header(adopted, "x-amz-version-id");
  check.say(
      "upload", probe->is_there,
      probe->is_there
          ? "A presigned PUT is taken."
          : describe(adopted,
                     "Check endpoint, bucket and region, and the key that signs uploads: its id, "
                     "its secret, and that it has the capability writeFiles for this bucket (and "
                     "for key_prefix)."));
  release(adopted);
  return probe->is_there;
}

void check_read(const Check &check, const Probe &probe) {
  AdoptedExchange *adopted = ask_store(check.server, {"HEAD", to_utf8(probe.object_key), {}});
  const bool ok = is_status(adopted, 200);
  check.say("read", ok,
            ok ? "The uploaded object can be read."
               : describe(adopted,
                          "Either key_id or application_key is wrong, or the key lacks the "
                          "capability readFiles for this bucket."));
  release(adopted);
}

void check_versions(const Check &check, const Probe &probe) {
  const bool ok = !is_null(probe.version_id) && probe.version_id != "null";
  check.say("versions", ok,
            ok ? "The bucket keeps versions."
               : "The bucket keeps no versions: confined callers cannot register files. Switch "
                 "its versioning on.");
}

// The value of x-amz-copy-source: bucket and key, percent-encoded.
std::string_view copy_source(const Server *server, std::string_view object_key) {
  StringInfoData source;
  initStringInfo(&source);
  appendStringInfo(&source, "/%.*s/", length(server->options.bucket),
                   server->options.bucket.data());
  enlargeStringInfo(&source, static_cast<int>(percent_encoded_bound(object_key.size())));
  char *end = percent_encode_path(source.data + source.len, object_key);
  return {source.data, static_cast<size_t>(end - source.data)};
}

// Whoever has an upload URL may add headers. If the store copies another object then, the key that
// signs uploads must not be able to read any.
void check_copy_source(const Check &check, const Probe &original, Probe *copy) {
  const NameValue header[1] = {
      {"x-amz-copy-source", copy_source(check.server, to_utf8(original.object_key))}};
  AdoptedExchange *adopted =
      put_to_store(check.server, {to_utf8(copy->object_key), "text/plain", "", header});
  copy->is_there = is_status(adopted, 200);
  const bool has_answer = adopted->exchange->failure() == HttpFailure::kNone;
  const char *problem = has_answer ? nullptr : describe(adopted, "");
  release(adopted);

  if (copy->is_there) {
    adopted = ask_store(check.server, {"HEAD", to_utf8(copy->object_key), {}});
    // The answer to a copy need not say which version it made.
    copy->version_id = answer_header(adopted, "x-amz-version-id");
    if (!is_status(adopted, 200)) {
      problem = describe(adopted, "Whether the object was copied cannot be told.");
    } else if (read_object_head(*adopted->exchange).size != 0) {
      problem =
          "A presigned PUT obeys an x-amz-copy-source header: whoever has an upload URL can "
          "copy any object that the key can read. Have uploads signed by a key that has the "
          "capability writeFiles alone: upload_key_id of the user mapping.";
    }
    release(adopted);
  }
  check.say("copy source", !problem,
            problem ? problem : "A presigned PUT cannot be made to copy another object.");
}

// Why the object is still there; nullptr if it is not. A DELETE that names no version would only
// hide it where the bucket keeps versions.
const char *delete_probe(const Check &check, const Probe &probe, bool keeps_versions) {
  if (!probe.is_there) return nullptr;
  if (keeps_versions && is_null(probe.version_id)) return "Which version it is cannot be told.";
  const NameValue version[1] = {{"versionId", probe.version_id}};
  const size_t count = is_null(probe.version_id) ? 0 : 1;
  AdoptedExchange *adopted =
      ask_store(check.server, {"DELETE", to_utf8(probe.object_key), {version, count}});
  const bool ok = is_status(adopted, 204) || is_status(adopted, 200);
  const char *problem =
      ok ? nullptr
         : describe(adopted,
                    "Either key_id or application_key is wrong, or the key lacks the capability "
                    "deleteFiles.");
  release(adopted);
  return problem;
}

void check_delete(const Check &check, const Probe &original, const Probe &copy) {
  const bool keeps_versions = !is_null(original.version_id);
  bool ok = true;
  for (const Probe *probe : {&original, &copy}) {
    const char *problem = delete_probe(check, *probe, keeps_versions);
    if (!problem) continue;
    ok = false;
    check.say(
        "delete", false,
        psprintf("Object \"%s\" stays in the bucket. %s", quotable(probe->object_key), problem));
  }
  if (ok) check.say("delete", true, "The uploaded objects were deleted again.");
}

const char *cors_advice(const char *origin) {
  return psprintf(
      "A browser would not PUT from there. Add this rule in the bucket's settings: "
      "{\"corsRuleName\": \"b2neon\", \"allowedOrigins\": [%s], \"allowedOperations\": "
      "[\"s3_put\", \"s3_get\", \"s3_head\"], \"allowedHeaders\": [\"content-type\", "
      "\"content-md5\"], \"exposeHeaders\": [\"etag\"], \"maxAgeSeconds\": 3600}",
      origin);
}

void check_cors(const Check &check, const Probe &probe, std::string_view origin) {
  AdoptedExchange *adopted = preflight(check.server, to_utf8(probe.object_key), origin);
  const std::string_view allowed = answer_header(adopted, "Access-Control-Allow-Origin");
  const bool ok =
      (is_status(adopted, 200) || is_status(adopted, 204)) && (allowed == "*" || allowed == origin);
  StringInfoData json;
  initStringInfo(&json);
  escape_json(&json, pnstrdup(origin.data(), origin.size()));
  check.say(
      "CORS", ok,
      ok ? "A browser would PUT from that origin." : describe(adopted, cors_advice(json.data)));
  release(adopted);
}

// https://www.rfc-editor.org/rfc/rfc6454#section-6.2
Problem check_origin(std::string_view origin) {
  Endpoint parsed;
  if (parse_endpoint(origin, parsed) || origin.back() == '/') {
    return "it is not of the form https://host[:port], without a slash at the end";
  }
  return nullptr;
}

void run(const Check &check, std::string_view origin) {
  if (!check_endpoint(check)) return;
  Probe original = new_probe(check.server);
  Probe copy = new_probe(check.server);
  if (check_upload(check, &original)) {
    check_read(check, original);
    check_versions(check, original);
    check_copy_source(check, original, &copy);
    check_delete(check, original, copy);
  }
  if (!is_null(origin)) check_cors(check, original, origin);
}

}  // namespace

}  // namespace b2neon

/// b2_check(origin, server) → set of (item, ok, detail)
Datum b2_check(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  RowSet rows(fcinfo);
  require_unconfined(extension_schema(fcinfo), "b2_check()");
  const std::string_view origin = optional_text(fcinfo, 0);
  if (!is_null(origin)) {
    check_argument(check_origin(origin), "origin", origin);
  }
  run({find_server_argument(fcinfo, 1), &rows}, origin);
  PG_RETURN_NULL();
}
