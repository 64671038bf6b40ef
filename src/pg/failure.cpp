#include "pg/failure.h"

namespace b2neon {

const Failure *new_failure(const Failure &failure) {
  Failure *copy = static_cast<Failure *>(palloc(sizeof(Failure)));
  *copy = failure;
  return copy;
}

void raise(const Failure &failure) {
  ereport(
      ERROR,
      (errcode(failure.sqlstate), errmsg_internal("%s", failure.message),
       failure.detail ? errdetail_internal("%s", failure.detail) : 0,
       failure.log_detail ? errdetail_log("%s", failure.log_detail) : 0,
       failure.hint ? errhint("%s", failure.hint) : 0,
       failure.constraint ? err_generic_string(PG_DIAG_CONSTRAINT_NAME, failure.constraint) : 0));
  pg_unreachable();
}

void raise_out_of_memory() {
  raise({ERRCODE_OUT_OF_MEMORY, "out of memory"});
}

}  // namespace b2neon
