#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace b2neon {

/// One version of an object, or a marker that hides it.
struct ObjectVersion {
  std::string object_key;  // in UTF-8
  std::string version_id;
  std::string etag;  // without its quotes
  int64_t size = 0;
  int64_t last_modified = 0;  // microseconds since 1970
  bool is_delete_marker = false;
};

/// An answer to ListObjectVersions with encoding-type=url:
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
struct VersionPage {
  std::vector<ObjectVersion> versions;  // in the order of the answer
  bool is_truncated = false;
  // Where the next page begins.
  std::string next_key_marker;
  std::string next_version_id_marker;
};

/// False where the body is no such answer; `page` is worth nothing then.
[[nodiscard]] bool read_version_page(std::string_view body, VersionPage &page) noexcept;

}  // namespace b2neon
