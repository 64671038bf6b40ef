#include "pg/bucket_listing.h"

namespace b2neon {

namespace {

VersionPage *parse(std::string_view body) noexcept {
  VersionPage *page = new (std::nothrow) VersionPage;
  if (page && !read_version_page(body, *page)) {
    delete page;
    return nullptr;
  }
  return page;
}

}  // namespace

StoreCall *prepare_page(const Server *server, const PageRequest &request) {
  const NameValue query[6] = {{"versions", ""},
                              {"encoding-type", "url"},
                              {"prefix", request.prefix},
                              {"max-keys", psprintf("%d", request.size)},
                              {"key-marker", request.key_marker},
                              {"version-id-marker", request.version_id_marker}};
  // A version without a key is an error, and some stores take an empty one for one.
  const size_t count = request.key_marker.empty() ? 4 : request.version_id_marker.empty() ? 5 : 6;
  StoreRequest page = {"GET", "", {query, count}};
  page.has_long_answer = true;
  return prepare_request(server, page);
}

Adopted<VersionPage> *read_page(const StoreCall *call, const Answer &answer) {
  if (!is_status(answer, 200)) return nullptr;
  Adopted<VersionPage> *adopted = Adopted<VersionPage>::make_room();
  adopted->object = parse(call->exchange()->body());
  return adopted->object ? adopted : nullptr;
}

// Keys are sorted by their bytes.
bool has_next(const PageRequest &request, const VersionPage &page) {
  const std::string_view next = page.next_key_marker;
  return !next.empty() &&
         (next > request.key_marker ||
          (next == request.key_marker && page.next_version_id_marker != request.version_id_marker));
}

Failure no_page(const Answer &answer, const Server *server) {
  if (answer.failure != HttpFailure::kNone) return no_answer(answer, server);
  const bool is_answered = is_status(answer, 200);
  return {
      ERRCODE_FDW_ERROR,
      psprintf(is_passing(answer) ? "the store of server \"%s\" cannot answer now"
                                  : "could not list the versions in the bucket of server \"%s\"",
               NameStr(server->name)),
      is_answered ? "The answer is not a list of versions." : describe(answer),
      advice(answer, server, "listFiles", false)};
}

}  // namespace b2neon
