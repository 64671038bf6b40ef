#include "pg/deleter.h"

#include "core/delete_objects.h"
#include "pg/adopted.h"
#include "pg/answer.h"
#include "pg/arguments.h"
#include "pg/bucket_listing.h"

namespace b2neon {

namespace {

// So much is asked for and named at a time, which bounds the memory that a round takes.
constexpr size_t kKeysAtOnce = 100;
constexpr int kVersionsPerKey = 100;
constexpr size_t kPerRequest = kMaxDeletedObjects;

// Presigned URLs are refused where the clocks of database and store are further apart.
constexpr int64 kMaxClockDifference = 15 * SECS_PER_MINUTE * USECS_PER_SEC;

// A version that has to go, and the entry that says so. In UTF-8.
struct Target {
  DeletedObject object;
  Deletion *deletion;
  bool is_refused = false;
};

struct Targets {
  Target *list = nullptr;
  size_t count = 0;
  size_t room = 0;

  void add(const DeletedObject &object, Deletion *deletion) {
    if (count == room) {
      room = Max(2 * room, static_cast<size_t>(64));
      list = list ? static_cast<Target *>(repalloc_huge(list, room * sizeof(Target)))
                  : static_cast<Target *>(palloc(room * sizeof(Target)));
    }
    list[count++] = {object, deletion, false};
  }
};

std::string_view keep(const std::string &text) {
  return {pnstrdup(text.data(), text.size()), text.size()};
}

void note(Deletion *deletion, Outcome outcome, const char *error) {
  deletion->outcome = outcome;
  deletion->error = error;
}

// Whether there is no answer, whatever was asked for. One that is too long, or no HTTP, can be that
// of a single key.
bool is_unreachable(HttpFailure failure) {
  return failure != HttpFailure::kNone && failure != HttpFailure::kTooLarge &&
         failure != HttpFailure::kMalformed;
}

// Whether the store could not be asked, or not with this key, as opposed to refusing this request.
bool is_trouble(const Answer &answer) {
  const bool is_refused = answer.status == 401 || answer.status == 403;
  return is_unreachable(answer.failure) || is_redirect(answer) ||
         (is_refused && !key_is_known(answer)) || has_code(answer, "NoSuchBucket");
}

// After one of these the others need not be asked.
bool is_without_answer(const HttpCall &call) {
  const HttpExchange *exchange = call.last_attempt();
  return !exchange || is_unreachable(exchange->failure());
}

// Whether the store may have done what it was asked, or may do it still, although it has not said
// so.
bool can_have_been_done(const Answer &answer) {
  switch (answer.failure) {
    case HttpFailure::kNone:
      return answer.status == 200 || is_passing(answer);
    case HttpFailure::kForbiddenAddress:
    case HttpFailure::kNameLookup:
    case HttpFailure::kConnect:
    case HttpFailure::kCertificate:
      return false;
    default:
      return true;
  }
}

// An entry of which all versions have to go, and how far they have been listed.
struct Listing {
  Deletion *deletion;
  std::string_view object_key;  // in UTF-8
  PageRequest page;
  StoreCall *call = nullptr;
  bool is_over = false;
  bool can_concern_all = false;  // that there was no list
};

bool is_too_old(const Deletion &deletion, const ObjectVersion &version) {
  if (TIMESTAMP_NOT_FINITE(deletion.since)) return false;
  return timestamp_of_unix_microseconds(version.last_modified) <
         deletion.since - kMaxClockDifference;
}

void end_listing(Listing *listing, Outcome outcome, const char *error = nullptr) {
  listing->is_over = true;
  note(listing->deletion, outcome, error);
}

bool is_list_for(const VersionPage &page, std::string_view prefix) {
  for (const ObjectVersion &version : page.versions) {
    if (version.version_id.empty() || version.object_key.compare(0, prefix.size(), prefix) != 0) {
      return false;
    }
  }
  return true;
}

// Of a listing by prefix only the key itself counts; longer ones come after it. A page that has
// targets is the last one for now, since what is listed next depends on what is gone then.
void add_versions(Listing *listing, const VersionPage &page, Targets *targets) {
  if (!is_list_for(page, listing->object_key)) {
    return end_listing(listing, Outcome::kRefused,
                       "The store's list has versions that were not asked for, or without an id.");
  }
  const size_t before = targets->count;
  bool is_past = false;
  for (const ObjectVersion &version : page.versions) {
    is_past = version.object_key != listing->object_key;
    if (is_past || listing->deletion->naming.includes(version.version_id) ||
        is_too_old(*listing->deletion, version)) {
      continue;
    }
    targets->add({listing->object_key, keep(version.version_id)}, listing->deletion);
  }
  if (!page.is_truncated || is_past) return end_listing(listing, Outcome::kGone);
  if (targets->count > before) return end_listing(listing, Outcome::kMore);
  if (!has_next(listing->page, page)) {
    return end_listing(listing, Outcome::kRefused,
                       "The store does not say how its list of versions goes on.");
  }
  listing->page.key_marker = keep(page.next_key_marker);
  listing->page.version_id_marker = keep(page.next_version_id_marker);
}

// Whether what came of the lists can be due to the store or to our key.
bool can_concern_all(std::span<const Listing> listings) {
  for (const Listing &listing : listings) {
    if (listing.deletion->outcome == Outcome::kRefused && !listing.can_concern_all) return false;
  }
  return true;
}

// Returns why there is no list, or nullptr.
const Failure *read_answer_of(Listing *listing, const Server *server, Targets *targets) {
  const Answer answer = read_answer(listing->call);
  Adopted<VersionPage> *page = read_page(listing->call, answer);
  if (page) {
    add_versions(listing, *page->object, targets);
    page->release();
    return nullptr;
  }
  const Failure failure = no_page(answer, server);
  listing->can_concern_all = is_passing(answer) || answer.status == 401 || answer.status == 403 ||
                             answer.failure == HttpFailure::kMalformed;
  end_listing(listing, is_trouble(answer) ? Outcome::kNotAsked : Outcome::kRefused, failure.detail);
  return new_failure(failure);
}

void take_back(std::span<Listing> listings, const Failure *trouble) {
  for (Listing &listing : listings) {
    if (listing.deletion->outcome == Outcome::kRefused) {
      end_listing(&listing, Outcome::kNotAsked, trouble->detail);
    }
  }
}

// Asks for the versions of keys of which all have to go, page by page until there is one with
// something to do. What can concern all is one object's fault if others have a list.
void list_versions(const Server *server, std::span<Listing> listings, Targets *targets,
                   const Failure **trouble) {
  StoreCall **calls = static_cast<StoreCall **>(palloc(listings.size() * sizeof(StoreCall *) + 1));
  bool has_list = false;
  for (;;) {
    size_t count = 0;
    for (Listing &listing : listings) {
      listing.call = listing.is_over ? nullptr : prepare_page(server, listing.page);
      if (listing.call) calls[count++] = listing.call;
    }
    if (count == 0) return;
    carry_out({calls, count}, is_without_answer);
    const Failure *last_failure = nullptr;
    for (Listing &listing : listings) {
      if (!listing.call) continue;
      if (listing.call->done()) {
        const Failure *failure = read_answer_of(&listing, server, targets);
        has_list = has_list || !failure;
        if (failure) last_failure = failure;
        if (failure && listing.deletion->outcome == Outcome::kNotAsked) *trouble = failure;
      }
      release(listing.call);
    }
    if (!has_list && last_failure && can_concern_all(listings)) {
      *trouble = last_failure;
      take_back(listings, last_failure);
    }
    if (*trouble) return;
  }
}

using Request = Adopted<DeleteRequest>;
using Failures = Adopted<std::vector<DeleteFailure>>;

DeleteRequest *make_request(std::span<const Target> targets) noexcept {
  try {
    std::vector<DeletedObject> objects;
    objects.reserve(targets.size());
    for (const Target &target : targets) objects.push_back(target.object);
    auto request = std::make_unique<DeleteRequest>();
    return make_delete_request(objects, *request) ? request.release() : nullptr;
  } catch (...) {
    return nullptr;
  }
}

std::vector<DeleteFailure> *read_failures(std::string_view body) noexcept {
  auto *failures = new (std::nothrow) std::vector<DeleteFailure>;
  if (failures && !read_delete_result(body, *failures)) {
    delete failures;
    return nullptr;
  }
  return failures;
}

// The store takes its time for each version.
int32 time_limit(const Server *server, size_t versions) {
  constexpr int64 kVersionsPerLimit = 250, kTenMinutes = 600000;
  const int64 limits = 1 + static_cast<int64>(versions) / kVersionsPerLimit;
  return static_cast<int32>(Min(server->options.request_timeout * limits, kTenMinutes));
}

StoreCall *prepare_delete(const Server *server, Request *request, size_t versions) {
  const NameValue query[1] = {{"delete", ""}};
  const NameValue headers[2] = {{"Content-Type", "application/xml"},
                                {"Content-MD5", request->object->content_md5}};
  StoreRequest store_request = {"POST", "", query, headers};
  store_request.body = request->object->body;
  store_request.has_long_answer = true;
  store_request.time_limit = time_limit(server, versions);
  return prepare_request(server, store_request);
}

const char *describe_error(const S3Error &error) {
  const bool says_more = error.message[0] != '\0' && strcmp(error.message, error.code) != 0;
  return says_more ? psprintf("%s: %s", error.code, error.message) : pstrdup(error.code);
}

bool is_of(const DeleteFailure &failure, const Target &target) {
  return target.object.object_key == failure.object_key &&
         (failure.version_id.empty() || target.object.version_id == failure.version_id);
}

// Notes what the store did not delete. A refusal of something else than was asked for could mean
// any.
void note_failures(std::span<Target> targets, const std::vector<DeleteFailure> &failures) {
  for (const DeleteFailure &failure : failures) {
    if (strcmp(failure.error.code, "NoSuchVersion") == 0 ||
        strcmp(failure.error.code, "NoSuchKey") == 0) {
      continue;
    }
    const bool is_for_one = std::any_of(targets.begin(), targets.end(), [&](const Target &target) {
      return is_of(failure, target);
    });
    for (Target &target : targets) {
      if (is_for_one && !is_of(failure, target)) continue;
      target.is_refused = true;
      target.deletion->may_be_gone = target.deletion->may_be_gone || !is_for_one;
      note(target.deletion, Outcome::kRefused, describe_error(failure.error));
    }
  }
}

// Returns how many versions are gone.
size_t note_gone(std::span<Target> targets) {
  size_t count = 0;
  for (Target &target : targets) {
    if (target.is_refused) continue;
    target.deletion->may_be_gone = true;
    count++;
  }
  return count;
}

// That the whole request is refused is no object's fault: it is the key, or the store.
Failure no_deletion(const Answer &answer, const Server *server) {
  if (answer.failure != HttpFailure::kNone) return no_answer(answer, server);
  return {ERRCODE_FDW_ERROR,
          psprintf(is_passing(answer) ? "the store of server \"%s\" cannot answer now"
                                      : "the store of server \"%s\" refuses to delete objects",
                   NameStr(server->name)),
          is_status(answer, 200) ? "The answer does not say what was deleted." : describe(answer),
          advice(answer, server, "deleteFiles", false)};
}

void note_all(std::span<Target> targets, Outcome outcome, const char *error) {
  for (Target &target : targets) note(target.deletion, outcome, error);
}

// Deletes the targets of a request, and notes which entries have to stay.
void send(const Server *server, std::span<Target> targets, DeleterResult *result) {
  if (result->trouble) return note_all(targets, Outcome::kNotAsked, result->trouble->detail);
  Request *request = Request::make_room();
  request->object = make_request(targets);
  if (!request->object) raise_out_of_memory();
  StoreCall *call = prepare_delete(server, request, targets.size());
  carry_out({&call, 1});
  const Answer answer = read_answer(call);
  Failures *failures = Failures::make_room();
  if (is_status(answer, 200)) failures->object = read_failures(call->exchange()->body());
  release(call);
  request->release();
  if (failures->object) {
    note_failures(targets, *failures->object);
    result->deleted += note_gone(targets);
    failures->release();
  } else if (answer.status == 400 && targets.size() > 1) {
    // One key that the store cannot have must not keep the others from being deleted.
    const size_t half = targets.size() / 2;
    send(server, targets.first(half), result);
    send(server, targets.subspan(half), result);
  } else if (answer.status == 400) {
    note_all(targets, Outcome::kRefused, describe(answer));
  } else {
    result->trouble = new_failure(no_deletion(answer, server));
    note_all(targets, Outcome::kNotAsked, result->trouble->detail);
    if (!can_have_been_done(answer)) return;
    for (Target &target : targets) target.deletion->may_be_gone = true;
  }
}

void send_all(const Server *server, const Targets &targets, DeleterResult *result) {
  for (size_t i = 0; i < targets.count; i += kPerRequest) {
    send(server, {targets.list + i, Min(kPerRequest, targets.count - i)}, result);
  }
}

// What needs no listing: entries for a single version, or for what rows name by now.
void add_known(std::span<Deletion> deletions, Targets *targets) {
  for (Deletion &deletion : deletions) {
    if (deletion.outcome == Outcome::kUndecided) continue;
    if (!can_be_utf8(deletion.object_key) || !can_be_utf8(deletion.version_id)) {
      note(&deletion, Outcome::kRefused, "The key is not text in the database's encoding.");
      continue;
    }
    // No object has an empty key, and a request for one would be for the bucket.
    if (deletion.object_key.empty() || deletion.naming.all_versions ||
        (!deletion.all_versions && deletion.naming.includes(deletion.version_id))) {
      deletion.outcome = Outcome::kGone;
    } else if (!can_be_named(to_utf8(deletion.object_key))) {
      note(&deletion, Outcome::kRefused, "No request can name that key.");
    } else if (!deletion.all_versions) {
      deletion.outcome = Outcome::kGone;  // unless something else comes of it
      targets->add({to_utf8(deletion.object_key), to_utf8(deletion.version_id)}, &deletion);
    }
  }
}

// The next listings, from `*deletion` on. Returns how many there are.
size_t next_listings(Listing *listings, std::span<Deletion>::iterator *deletion,
                     std::span<Deletion>::iterator end) {
  size_t count = 0;
  for (; *deletion != end && count < kKeysAtOnce; ++*deletion) {
    if ((*deletion)->outcome != Outcome::kNotAsked) continue;
    Listing listing = {};
    listing.deletion = &**deletion;
    listing.object_key = to_utf8(listing.deletion->object_key);
    listing.page.prefix = listing.object_key;
    listing.page.size = kVersionsPerKey;
    listings[count++] = listing;
  }
  return count;
}

}  // namespace

DeleterResult delete_objects(const Server *server, std::span<Deletion> deletions) {
  const Failure *list_trouble = nullptr;
  Targets targets;
  add_known(deletions, &targets);
  Listing *listings = static_cast<Listing *>(palloc(kKeysAtOnce * sizeof(Listing)));
  auto deletion = deletions.begin();
  while (!list_trouble) {
    const size_t count = next_listings(listings, &deletion, deletions.end());
    if (count == 0) break;
    list_versions(server, {listings, count}, &targets, &list_trouble);
  }

  // A store that does not list may still delete; one without an answer is not asked again.
  DeleterResult result;
  if (list_trouble && list_trouble->sqlstate != ERRCODE_FDW_ERROR) result.trouble = list_trouble;
  send_all(server, targets, &result);
  if (list_trouble) result.trouble = list_trouble;
  for (Deletion &left : deletions) {
    if (left.outcome == Outcome::kNotAsked && !left.error && list_trouble) {
      left.error = list_trouble->detail;
    }
  }
  return result;
}

}  // namespace b2neon
