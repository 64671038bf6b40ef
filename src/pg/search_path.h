#pragma once

namespace b2neon {

/// Leaves nothing but pg_catalog in the search path until restore_settings(), or until an error, so
/// that no name in code that runs meanwhile can be shadowed. Returns what restore_settings() wants.
int pin_search_path();

/// Puts all settings back that were changed since.
void restore_settings(int level);

}  // namespace b2neon
