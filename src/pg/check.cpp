#include "core/object_head.h"
#include "core/percent_encoding.h"
#include "pg/answer.h"
#include "pg/arguments.h"
#include "pg/caller.h"
#include "pg/cors.h"
#include "pg/generated_key.h"
#include "pg/lineage.h"
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
  bool is_there = false;        // as far as can be told
  int64 size = -1;              // -1: not asked for
};

Probe new_probe(const Server *server) {
  Probe probe;
  probe.object_key = generate_object_key(server->options.key_prefix, "b2neon-check");
  return probe;
}

// What came of a request, and what a person can do about it.
const char *explain(const Check &check, const Answer &answer, const char *capability,
                    bool is_upload = false) {
  const char *step = advice(answer, check.server, capability, is_upload);
  return step ? psprintf("%s %s", describe(answer), step) : describe(answer);
}

bool is_refused(const Answer &answer) {
  return answer.status == 401 || answer.status == 403;
}

bool is_success(const Answer &answer) {
  return is_status(answer, 200) || is_status(answer, 204);
}

// Options are checked when they are set; here they are said, with the defaults in them.
void say_options(const Check &check) {
  const ServerOptions &options = check.server->options;
  StringInfoData detail;
  initStringInfo(&detail);
  appendStringInfo(&detail, "Bucket %.*s at %.*s, region %.*s, URLs in %s style",
                   length(options.bucket), options.bucket.data(), length(options.endpoint_url),
                   options.endpoint_url.data(), length(options.region), options.region.data(),
                   options.url_style == UrlStyle::kPath ? "path" : "virtual");
  if (!options.key_prefix.empty()) {
    appendStringInfo(&detail, ", keys begin with \"%s\"", quotable(options.key_prefix));
  }
  appendStringInfo(&detail,
                   ", %s, uploads are signed by %s, connect_timeout %d ms, request_timeout %d ms.",
                   options.is_public ? "public" : "private",
                   check.server->signer == check.server->upload_signer ? "the same key as the rest"
                                                                       : "upload_key_id",
                   options.connect_timeout, options.request_timeout);
  if (options.endpoint.scheme == "http") {
    appendStringInfoString(&detail, " Nothing is encrypted on the way.");
  }
  check.say("options", true, detail.data);
}

void check_lineage(const Check &check, Oid schema) {
  const char *problem = lineage_problem(schema);
  check.say("lineage", !problem,
            problem ? psprintf("%s b2_maintain() and b2_orphans() refuse to run here, until SELECT "
                               "b2_take_over() says on purpose that this database's rows decide "
                               "which objects go.",
                               problem)
                    : "This is the database whose rows decide which objects go.");
}

bool check_allowed(const Check &check) {
  const bool ok = endpoint_permission(check.server->options.endpoint) != EndpointPermission::kNo;
  if (!ok) {
    check.say("endpoint", false,
              "It is not allowed: a superuser can add it to b2neon.allowed_endpoints.");
  }
  return ok;
}

// Not everything that answers is a store.
bool speaks_s3(const Answer &answer, std::string_view body) {
  if (answer.failure != HttpFailure::kNone || answer.has_error) return true;
  if (answer.status != 200) return is_passing(answer) || is_redirect(answer);
  return body.find("<ListBucketResult") != std::string_view::npos;
}

// A request for the first of the objects that the key may see; most of the checks go by its answer.
Answer list_objects(const Check &check) {
  NameValue query[3] = {{"list-type", "2"}, {"max-keys", "1"}, {"prefix", ""}};
  query[2].value = to_utf8(check.server->options.key_prefix);
  StoreCall *call = ask_store(check.server, {"GET", "", query});
  Answer answer = read_answer(call);
  if (!speaks_s3(answer, call->exchange()->body())) {
    answer.failure = HttpFailure::kMalformed;
    answer.failure_text =
        psprintf("the answer, with HTTP status %d, does not speak S3", answer.status);
  }
  release(call);
  return answer;
}

bool check_endpoint(const Check &check, const Answer &list) {
  const bool ok = list.failure == HttpFailure::kNone && !is_passing(list) && !is_redirect(list);
  check.say("endpoint", ok,
            ok ? "It is allowed by b2neon.allowed_endpoints, and a store answers."
               : explain(check, list, "listFiles"));
  return ok;
}

void check_clock(const Check &check, const Answer &list) {
  const bool ok = !list.has_date || clock_difference(list) <= kMaxClockSkewSeconds;
  check.say("clock", ok,
            !list.has_date ? "The store does not say what time it is."
            : ok
                ? psprintf("The clocks of the database server and the store differ by " INT64_FORMAT
                           " s.",
                           clock_difference(list))
                : psprintf("%s Presigned URLs end too %s, and from 15 minutes on stores refuse "
                           "everything.",
                           describe_clock_skew(list), list.clock_skew < 0 ? "soon" : "late"));
}

bool check_key(const Check &check, const Answer &list) {
  const bool is_wrong =
      has_code(list, "InvalidAccessKeyId") || has_code(list, "SignatureDoesNotMatch");
  const bool ok = key_is_known(list);
  check.say("key", ok,
            ok         ? "The store knows key_id, and application_key belongs to it."
            : is_wrong ? explain(check, list, "listFiles")
                       : psprintf("Whether the key is right cannot be told. %s",
                                  explain(check, list, "listFiles")));
  return ok;
}

bool is_definite_refusal(const Answer &answer) {
  return answer.failure == HttpFailure::kNone && answer.status >= 400 && !is_passing(answer);
}

// Finds out what a PUT has made, of which the answer can have got lost.
Answer look_for(const Check &check, Probe *probe) {
  StoreCall *call = ask_store(check.server, {"HEAD", to_utf8(probe->object_key)});
  const Answer answer = read_answer(call);
  // Where it cannot be told, better say too much.
  probe->is_there = probe->is_there || answer.status != 404;
  if (is_status(answer, 200)) {
    // The answer to a copy need not say which version it made.
    probe->version_id = answer_header(call, "x-amz-version-id");
    probe->size = read_object_head(*call->exchange()).size;
  }
  release(call);
  return answer;
}

Answer put_probe(const Check &check, Probe *probe, std::string_view body,
                 std::span<const NameValue> unsigned_headers) {
  StoreCall *call = put_to_store(
      check.server, {to_utf8(probe->object_key), "text/plain", body, unsigned_headers});
  const Answer answer = read_answer(call);
  probe->is_there = is_status(answer, 200);
  if (probe->is_there) probe->version_id = answer_header(call, "x-amz-version-id");
  release(call);
  return answer;
}

Answer upload(const Check &check, Probe *probe) {
  const Answer put = put_probe(check, probe, kBody, {});
  const bool is_known = probe->is_there && !is_null(probe->version_id);
  if (!is_known && !is_definite_refusal(put)) look_for(check, probe);
  return put;
}

bool check_bucket(const Check &check, const Answer &list, const Answer &put) {
  const ServerOptions &options = check.server->options;
  const bool is_missing = has_code(list, "NoSuchBucket") || has_code(put, "NoSuchBucket");
  const bool is_closed = is_refused(list) && is_refused(put);
  check.say(
      "bucket", !is_missing && !is_closed,
      is_missing
          ? psprintf("There is no bucket \"%.*s\" at this endpoint. Check the options bucket "
                     "and endpoint of the server.",
                     length(options.bucket), options.bucket.data())
      : is_closed
          ? psprintf("The key is valid, but neither listing nor uploading is allowed in "
                     "bucket \"%.*s\": make an application key for this bucket%s, with "
                     "the capabilities listFiles, readFiles, writeFiles and deleteFiles. If it is "
                     "restricted to a file name prefix, set key_prefix to that.",
                     length(options.bucket), options.bucket.data(),
                     options.key_prefix.empty() ? "" : " and for key_prefix")
          : "It is there, and the key is for it.");
  return !is_missing;
}

void check_list(const Check &check, const Answer &list) {
  const bool ok = is_status(list, 200);
  check.say("list", ok, ok ? "Objects can be listed." : explain(check, list, "listFiles"));
}

void check_upload(const Check &check, const Answer &put) {
  const bool ok = is_status(put, 200);
  check.say("upload", ok,
            ok ? "A presigned PUT is taken." : explain(check, put, "writeFiles", true));
}

// The answer to a HEAD has no body, and so does not say why it refuses.
void check_read(const Check &check, const Probe &probe) {
  StoreCall *call = ask_store(check.server, {"GET", to_utf8(probe.object_key)});
  const Answer answer = read_answer(call);
  const bool ok = is_status(answer, 200) && call->exchange()->body() == kBody;
  check.say("read", ok,
            ok                       ? "The uploaded object can be read."
            : is_status(answer, 200) ? "What came back is not what was uploaded."
                                     : explain(check, answer, "readFiles"));
  release(call);
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
  const Answer put = put_probe(check, copy, "", header);
  const bool is_refused = is_definite_refusal(put);
  const Answer found = is_refused ? put : look_for(check, copy);
  const bool is_made = is_status(put, 200);
  const bool is_safe = is_refused || (is_made && copy->size == 0);
  check.say(
      "copy source", is_safe,
      is_safe ? "A presigned PUT cannot be made to copy another object."
      : is_made && copy->size > 0
          ? "A presigned PUT obeys an x-amz-copy-source header: whoever has an upload URL can "
            "copy any object that the key can read. Have uploads signed by a key that has "
            "the capability writeFiles alone: upload_key_id of the user mapping."
          : psprintf("Whether a presigned PUT can be made to copy another object cannot be "
                     "told. %s",
                     describe(is_made ? found : put)));
}

// Why the object is still there; nullptr if it is not. A DELETE that names no version would only
// hide it where the bucket keeps versions.
const char *delete_probe(const Check &check, const Probe &probe, bool keeps_versions) {
  if (!probe.is_there) return nullptr;
  if (keeps_versions && is_null(probe.version_id)) return "Which version it is cannot be told.";
  const NameValue version[1] = {{"versionId", probe.version_id}};
  const size_t count = is_null(probe.version_id) ? 0 : 1;
  StoreCall *call =
      ask_store(check.server, {"DELETE", to_utf8(probe.object_key), {version, count}});
  const Answer answer = read_answer(call);
  const bool is_hidden = count == 0 && answer_header(call, "x-amz-delete-marker") == "true";
  release(call);
  if (is_hidden) return "It is only hidden, because the store did not say which version it is.";
  return is_success(answer) ? nullptr : explain(check, answer, "deleteFiles");
}

void check_delete(const Check &check, const Probe &original, const Probe &copy) {
  const bool keeps_versions = !is_null(original.version_id);
  bool ok = true;
  for (const Probe *probe : {&original, &copy}) {
    const char *problem = delete_probe(check, *probe, keeps_versions);
    if (!problem) continue;
    ok = false;
    check.say("delete", false,
              psprintf("Object \"%s\" may have stayed in the bucket. %s",
                       quotable(probe->object_key), problem));
  }
  if (ok) check.say("delete", true, "The uploaded objects were deleted again.");
}

void check_cors(const Check &check, const Probe &probe, std::string_view origin) {
  const CorsFinding finding = try_cors(check.server, probe.object_key, probe.is_there, origin);
  check.say("CORS", finding.ok, finding.detail);
}

void check_objects(const Check &check, const Probe &original, Probe *copy) {
  check_read(check, original);
  check_versions(check, original);
  check_copy_source(check, original, copy);
}

void run(const Check &check, Oid schema, std::string_view origin) {
  say_options(check);
  check_lineage(check, schema);
  if (!check_allowed(check)) return;
  const Answer list = list_objects(check);
  if (!check_endpoint(check, list)) return;
  check_clock(check, list);
  if (!check_key(check, list)) return;
  Probe original = new_probe(check.server);
  const Answer put = upload(check, &original);
  if (!check_bucket(check, list, put)) return;
  check_list(check, list);
  check_upload(check, put);
  Probe copy = new_probe(check.server);
  if (is_status(put, 200)) check_objects(check, original, &copy);
  if (!is_null(origin)) check_cors(check, original, origin);
  if (original.is_there) check_delete(check, original, copy);
}

}  // namespace

}  // namespace b2neon

/// b2_check(origin, server) → set of (item, ok, detail)
Datum b2_check(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  RowSet rows(fcinfo);
  const Oid schema = extension_schema(fcinfo);
  require_unconfined(schema, "b2_check()");
  const std::string_view origin = optional_text(fcinfo, 0);
  if (!is_null(origin)) check_argument(check_origin(origin), "origin", origin);
  run({find_server_argument(fcinfo, 1), &rows}, schema, origin);
  PG_RETURN_NULL();
}
