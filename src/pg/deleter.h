#pragma once

#include "pg/deletions.h"
#include "pg/failure.h"
#include "pg/server.h"

namespace b2neon {

/// What one round of deleting has come to.
struct DeleterResult {
  uint64 deleted = 0;  // versions that are gone
  // Why there is no point in going on: the store cannot be asked, or obeys no request. nullptr
  // where there is.
  const Failure *trouble = nullptr;
};

/// Deletes the objects of entries that this transaction has claimed, and notes in each what came of
/// it.
DeleterResult delete_objects(const Server *server, std::span<Deletion> deletions);

}  // namespace b2neon
