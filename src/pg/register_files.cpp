#include <algorithm>

#include "core/object_key.h"
#include "pg/arguments.h"
#include "pg/registration.h"
#include "pg/row_set.h"

B2NEON_SQL_FUNCTION(b2_register_files)

namespace b2neon {

namespace {

constexpr int kObjectKeys = 0, kUserId = 1, kVerify = 2, kServer = 3;

// Each file takes some kilobytes while it is being registered.
constexpr int kMaxFiles = 100000;

// The keys, in the order of the array and each once.
std::span<Registration> read_keys(FunctionCallInfo fcinfo) {
  const std::span<const std::string_view> keys =
      required_texts(fcinfo, kObjectKeys, "object_keys", kMaxFiles);
  Registration *registrations =
      static_cast<Registration *>(palloc0(keys.size() * sizeof(Registration) + 1));
  for (size_t i = 0; i < keys.size(); i++) {
    check_argument(check_object_key(to_utf8(keys[i])), "element of object_keys", keys[i]);
    registrations[i].object_key = keys[i];
  }
  return {registrations, keys.size()};
}

// Every key once, in the order of their bytes.
std::span<Registration *> sorted(std::span<Registration> registrations) {
  Registration **list =
      static_cast<Registration **>(palloc(registrations.size() * sizeof(Registration *) + 1));
  for (size_t i = 0; i < registrations.size(); i++) list[i] = &registrations[i];
  Registration **end = list + registrations.size();
  std::sort(list, end, [](const Registration *a, const Registration *b) {
    // Of equal keys the first in the array is kept.
    return a->object_key != b->object_key ? a->object_key < b->object_key : a < b;
  });
  end = std::unique(list, end, [](const Registration *a, const Registration *b) {
    return a->object_key == b->object_key;
  });
  return {list, static_cast<size_t>(end - list)};
}

// The server's log does not need all of them.
constexpr int kMaxLogged = 10;

bool is_same(const char *a, const char *b) {
  return a && b && strcmp(a, b) == 0;
}

// One error for all that failed, with a line for each that begins with its key. Clients branch on
// the SQLSTATE of the first.
void raise_failures(std::span<const Registration> registrations, size_t count) {
  const Failure *first = nullptr;
  size_t failed = 0;
  bool share_hint = true;
  StringInfoData detail;
  initStringInfo(&detail);
  int logged_length = 0;
  for (const Registration &registration : registrations) {
    const Failure *failure = registration.failure;
    if (!failure) continue;
    if (!first) first = failure;
    share_hint = share_hint && is_same(first->hint, failure->hint);
    if (failed == kMaxLogged) logged_length = detail.len;
    if (failed++ > 0) appendStringInfoChar(&detail, '\n');
    appendStringInfo(&detail, "\"%.*s\": %s", length(registration.object_key),
                     registration.object_key.data(), failure->reason);
  }
  if (!first) return;
  Failure all = {first->sqlstate, psprintf("could not register %zu of %zu files", failed, count),
                 detail.data};
  all.constraint = first->constraint;
  all.hint = failed < count ? "Nothing was recorded. Without these, the others can be registered."
             : share_hint   ? first->hint
                            : "Nothing was recorded.";
  if (failed > kMaxLogged) {
    all.log_detail =
        psprintf("%.*s\n... and %zu more", logged_length, detail.data, failed - kMaxLogged);
  }
  raise(all);
}

}  // namespace

}  // namespace b2neon

/// b2_register_files(object_keys, user_id, verify, server) → a row a file
Datum b2_register_files(PG_FUNCTION_ARGS) {
  using namespace b2neon;
  RowSet rows(fcinfo);
  const std::span<Registration> registrations = read_keys(fcinfo);
  const RegistrationTerms terms = registration_terms(fcinfo, kUserId, kVerify, kServer);
  const std::span<Registration *> each_once = sorted(registrations);
  register_uploads(terms, each_once, rows.row_type(), "b2_register_files()");
  raise_failures(registrations, each_once.size());
  for (const Registration &registration : registrations) {
    if (registration.row != 0) rows.add(registration.row);
  }
  PG_RETURN_NULL();
}
