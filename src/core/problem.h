#pragma once

namespace b2neon {

/// Why an input was refused: a sentence with static lifetime, ready for an error's DETAIL, or
/// nullptr where there is nothing to complain about. Plain ASCII, so that it is valid in any
/// database encoding.
using Problem = const char *;

}  // namespace b2neon
