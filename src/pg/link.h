#pragma once

#include "core/content_disposition.h"
#include "core/signer.h"
#include "pg/pg.h"
#include "pg/server.h"

namespace b2neon {

/// What is asked of links to download objects, whichever objects these are.
class LinkTerms {
 public:
  /// A link lives for the sum of both, in seconds; within stable_for it stays the same. Raises
  /// where either is out of range.
  LinkTerms(int32 expires_in, int32 stable_for);

  /// What the store is to say of the object, in the database's encoding. Raises where a header
  /// cannot carry it.
  void set_download_name(std::string_view download_as);
  void set_content_type(std::string_view content_type);

  int32 lifetime() const { return lifetime_; }

  /// The link, in one allocation. The key is in UTF-8; a version of data() == nullptr: the latest.
  text *link(const Server *server, std::string_view object_key, std::string_view version_id) const;

 private:
  void add(std::string_view name, std::string_view value) { overrides_[count_++] = {name, value}; }

  static constexpr size_t kMaxOverrides = 3;
  int32 lifetime_;
  int64 signed_at_;
  NameValue overrides_[kMaxOverrides];
  size_t count_ = 0;
  char cache_control_[64];
  char disposition_[attachment_disposition_bound(kMaxDownloadNameLength)];
};

}  // namespace b2neon
