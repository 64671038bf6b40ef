#pragma once

#include "pg/pg.h"

namespace b2neon {

// Reading and writing b2_uploads, the URLs that were issued. All of these run within SPI and with
// the rights of the table's owner.

/// A pending upload. In a row that was read, the texts are in the memory context of SPI's caller.
struct Upload {
  std::string_view object_key;
  std::string_view server;
  std::string_view user_id;
  std::string_view file_name;
  std::string_view content_type;
  int64 size = -1;               // -1: not declared
  std::string_view content_md5;  // data() == nullptr: not declared
  Jsonb *metadata = nullptr;     // nullptr: {}; not read, because it can be large
  TimestampTz expires_at = 0;
  bool is_registered = false;
  bool is_generated = false;  // whether the key was made here; not read
};

/// Reads the upload of that key; false where there is none.
bool find_upload(Oid schema, std::string_view object_key, Upload *upload);

/// Adds an upload, or declares anew what is going to be uploaded under the key of a pending one of
/// the same user on the same server. False where the key belongs to another upload.
bool record_upload(Oid schema, const Upload &upload);

/// Marks an upload as registered, if it is still pending and declares what was verified, and gives
/// its metadata, which goes when SPI finishes. nullptr where that has changed meanwhile.
Jsonb *mark_registered(Oid schema, const Upload &upload);

}  // namespace b2neon
