#pragma once

#include "pg/naming.h"
#include "pg/pg.h"
#include "pg/server.h"

namespace b2neon {

// The queue of objects that no row names any more: b2_deletions. All of these run within SPI.
//
// An entry is due; then it begins, which is committed before the store is asked, so that from then
// on no row can come to name the object (see b2neon_check_named()), whatever becomes of the
// session; and when the object is gone it is done. It stays for those whose row is written already
// and not checked yet, until their transactions have ended.

/// What came of an entry.
enum class Outcome {
  kNotAsked,   // nothing is known, or the store could not be asked
  kGone,       // all that it stands for is gone, or is named by a row
  kMore,       // it stands for more versions than could be deleted at once
  kRefused,    // the store refuses to delete it
  kUndecided,  // a transaction that is still running has added a row that names it
};

/// An entry that begins.
struct BegunEntry {
  pg_uuid_t id;
  bool is_new;  // whether it had not begun before
};

/// Which entries are to be worked on.
struct DueEntries {
  std::string_view server;
  TimestampTz queued_before;
  int limit;
};

/// Has entries begin that are due and that no other session works on. In the current memory
/// context. To be committed before they are claimed.
std::span<const BegunEntry> begin_deletions(Oid schema, const DueEntries &due);

/// An entry that this transaction has locked. The texts are in the memory context of SPI's caller.
struct Deletion {
  BegunEntry entry;
  std::string_view object_key;
  std::string_view version_id;  // empty: not known
  bool all_versions;
  TimestampTz since;  // DT_NOBEGIN: none of them is too old
  Naming naming;
  Outcome outcome = Outcome::kNotAsked;
  const char *error = nullptr;  // why it is refused, or was not asked for
  bool may_be_gone = false;     // whether the store may have deleted a version of it
};

/// Locks entries that have begun, but for those that another session works on. `server` is where
/// they are.
std::span<Deletion> claim_deletions(Oid schema, const Server *server,
                                    std::span<const BegunEntry> entries);

/// Notes what came of the entries. Returns how many are parked: they were refused so often that
/// they are not tried any more.
uint64 settle_deletions(Oid schema, std::span<const Deletion> deletions);

/// Takes out entries that are done, and that no transaction can need any more.
void purge_deletions(Oid schema);

/// How many entries are due, and how many uploads can be let go.
struct DueCounts {
  int64 deletions;
  int64 uploads;
};

DueCounts count_due(Oid schema, const DueEntries &due, TimestampTz expired_before);

/// How many names there are in both tables of servers that do not exist.
uint64 count_missing_servers(Oid schema);

/// Lets go of uploads whose URL can be used no more and which can be registered no more. Their
/// objects are queued. Returns how many there were.
uint64 sweep_uploads(Oid schema, std::string_view server, TimestampTz expired_before, int limit);

/// Whether an object of that key waits for its deletion.
bool is_queued(Oid schema, std::string_view object_key);

}  // namespace b2neon
