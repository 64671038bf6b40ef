#pragma once

#include "pg/pg.h"

namespace b2neon {

// Reading and writing b2_files, the user's own table: by column name, so that added columns do no
// harm.

/// What a confined caller may read of a file. The texts are in the current memory context.
struct VisibleFile {
  std::string_view server;
  std::string_view version_id;  // data() == nullptr: not known
};

/// The file of that key, if the current role can see it by the policies of the table, it is of that
/// version and on that server (data() == nullptr: whichever). Raises 42501 otherwise, in the same
/// words whatever the reason; without SELECT on the table, with a hint that says so.
VisibleFile require_visible_file(Oid schema, std::string_view object_key,
                                 std::string_view version_id, std::string_view server);

/// The same for many keys with one query, whose files are returned in the order of the keys.
/// `array` is what the keys are read from.
const VisibleFile *require_visible_files(Oid schema, Datum array,
                                         std::span<const std::string_view> keys,
                                         std::string_view server);

/// Whether the current role can see the file of that key by the policies of the table.
bool is_visible(Oid schema, std::string_view object_key);

/// A row to be recorded. A datum of 0 stands for NULL; all are in the order of the columns.
struct NewFile {
  std::string_view object_key;
  std::string_view file_url;
  std::string_view user_id;
  Datum server;  // name
  std::string_view file_name;
  std::string_view content_type;
  int64 size;  // -1: not known
  std::string_view etag;
  std::string_view version_id;
  Jsonb *metadata;
  bool verified;
};

// The following run within SPI and with the rights of the table's owner.

bool file_exists(Oid schema, std::string_view object_key);

/// The row of that key as a composite of `row_type`, in the caller's memory context; 0 where there
/// is none, or where it is of another user or on another server (data() == nullptr: of any).
Datum find_file(Oid schema, std::string_view object_key, std::string_view user_id,
                std::string_view server, TupleDesc row_type);

/// Adds a row and returns it in the same way; 0 where the key has one already, or a trigger has
/// kept the row out.
Datum insert_file(Oid schema, const NewFile &file, TupleDesc row_type);

}  // namespace b2neon
