#include "pg/search_path.h"

#include "pg/pg.h"

namespace b2neon {

int pin_search_path() {
  const int level = NewGUCNestLevel();
  set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                    GUC_ACTION_SAVE, true, 0, false);
  return level;
}

void restore_settings(int level) {
  AtEOXact_GUC(false, level);
}

}  // namespace b2neon
