#include "pg/pg.h"
#include "pg/settings.h"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "b2neon", .version = B2NEON_VERSION);
#else
PG_MODULE_MAGIC;
#endif

PGDLLEXPORT void _PG_init(void);
void _PG_init(void) {
  b2neon::define_settings();
}
}
