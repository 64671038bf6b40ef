#pragma once

#include "core/version_page.h"
#include "pg/adopted.h"
#include "pg/answer.h"
#include "pg/store.h"

namespace b2neon {

// Pages of ListObjectVersions.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html

/// Where a page begins, and what it is restricted to. All in UTF-8.
struct PageRequest {
  std::string_view prefix;
  std::string_view key_marker;  // the page begins after this key, or after this version of it
  std::string_view version_id_marker;  // empty: after all of its versions
  int size = 1000;                     // the most versions that it has; stores give 1000 at most
};

StoreCall *prepare_page(const Server *server, const PageRequest &request);

/// The page that came, in the current memory context; nullptr where there is none.
Adopted<VersionPage> *read_page(const StoreCall *call, const Answer &answer);

/// Whether a page that is not the last one says where the next one begins, and that is further on.
bool has_next(const PageRequest &request, const VersionPage &page);

/// Why there is no page.
Failure no_page(const Answer &answer, const Server *server);

}  // namespace b2neon
