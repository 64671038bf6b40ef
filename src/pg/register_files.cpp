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
    check_argument(check_object_key(to_utf8(keys[i])), "object key", keys[i]);
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

// One error for all that failed. Clients branch on the SQLSTATE of the first.
void raise_failures(std::span<const Registration> registrations, size_t count) {
  Failure all = {};
  int failed = 0;
  StringInfoData detail;
  initStringInfo(&detail);
  for (const Registration &registration : registrations) {
    const Failure *failure = registration.failure;
    if (!failure) continue;
    if (failed++ == 0) {
      all.sqlstate = failure->sqlstate;
      all.constraint = failure->constraint;
    } else {
      appendStringInfoChar(&detail, '\n');
    }
    appendStringInfoString(&detail, failure->message);
    if (failure->detail) appendStringInfo(&detail, ": %s", failure->detail);
  }
  if (failed == 0) return;
  all.message = psprintf("could not register %d of %zu files", failed, count);
  all.detail = detail.data;
  all.hint = "Nothing was recorded. Leave these out to register the others.";
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
