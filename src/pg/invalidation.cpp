#include "pg/invalidation.h"

namespace b2neon {

namespace {

uint64_t generation;
Oid watched_relation = InvalidOid;

void on_syscache_change(Datum, int, uint32) {
  generation++;
}

void on_relation_change(Datum, Oid relation) {
  if (relation == InvalidOid || relation == watched_relation) generation++;
}

void register_callbacks() {
  for (int cache : {FOREIGNSERVEROID, FOREIGNDATAWRAPPEROID, USERMAPPINGOID, AUTHOID,
                    AUTHMEMROLEMEM, NAMESPACEOID, DATABASEOID}) {
    CacheRegisterSyscacheCallback(cache, on_syscache_change, static_cast<Datum>(0));
  }
  CacheRegisterRelcacheCallback(on_relation_change, static_cast<Datum>(0));
}

}  // namespace

uint64_t catalog_generation() {
  if (generation == 0) {
    register_callbacks();
    generation = 1;
  }
  return generation;
}

void watch_relation(Oid relation) {
  watched_relation = relation;
}

}  // namespace b2neon
