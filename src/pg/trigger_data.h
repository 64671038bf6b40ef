#pragma once

#include "pg/pg.h"

namespace b2neon {

/// What a trigger's function is told. Raises 39P01 where it is not called as one.
inline TriggerData *trigger_data(FunctionCallInfo fcinfo, const char *function) {
  if (!CALLED_AS_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("%s() can only be called as a trigger", function)));
  }
  return reinterpret_cast<TriggerData *>(fcinfo->context);
}

}  // namespace b2neon
