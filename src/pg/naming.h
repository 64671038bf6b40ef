#pragma once

#include "pg/pg.h"

namespace b2neon {

// What rows of b2_files say of an object, those included that other transactions have written and
// not committed yet. Who is about to delete an object has to lock its entry in b2_deletions first
// and to ask then: who names an object writes the row first and looks at b2_deletions then.

/// b2_files, open for such questions.
struct NamingRows {
  Relation table;
  Oid index;  // the unique one of object_key
  AttrNumber object_key, server, version_id;
};

/// Raises 55000 where the table has no unique index on object_key, and 42804 where a column is of
/// another type than expected.
NamingRows open_naming_rows(Oid schema);
void close_naming_rows(const NamingRows &rows);

/// The versions of an object that rows name.
struct Naming {
  bool is_decided = true;     // whether no transaction that is still running has added such a row
  bool all_versions = false;  // a row does not say which version it means
  List *version_ids = NIL;    // char *

  bool includes(std::string_view version_id) const;
};

/// Adds what is said of that key, but for rows on `other_buckets` (servers, a list of char *), so
/// that a row whose server is not there (any more) counts for all of them. In the current memory
/// context.
///
/// It takes two looks. A dirty snapshot shows what is not committed yet, but can miss a row that is
/// updated while the index is read; of what was committed before it was taken, an MVCC snapshot
/// misses nothing. So that comes second.
void add_naming(const NamingRows &rows, std::string_view object_key, List *other_buckets,
                Snapshot snapshot, Naming *naming);

}  // namespace b2neon
