#pragma once

#include <cstdio>
#include <cstdlib>

// Ends the fuzzer with the condition that did not hold. (assert() is nothing in a release build.)
#define REQUIRE(condition)                           \
  do {                                               \
    if (!(condition)) {                              \
      fprintf(stderr, "not true: %s\n", #condition); \
      abort();                                       \
    }                                                \
  } while (0)
