#include "core/iso_date.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

int64_t read(std::string_view text) {
  int64_t microseconds = -1;
  return read_iso_date(text, microseconds) ? microseconds : -1;
}

// The seconds are those of GNU date.
TEST(IsoDate, IsMicrosecondsSince1970) {
  EXPECT_EQ(read("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(read("2013-05-24T00:00:00.000Z"), 1369353600000000);
  EXPECT_EQ(read("2024-02-29T23:59:59.5Z"), 1709251199500000);
  EXPECT_EQ(read("2026-11-24T22:00:00.123456789Z"), 1795557600123456);
}

TEST(IsoDate, IsNothingElse) {
  for (const char *text :
       {"", "Z", "2026-11-24", "2026-11-24T22:00:00", "2026-11-24T22:00:00+01:00",
        "2026-11-24 22:00:00Z", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.12x4Z", "2026-01-01T00:00:00.1234567890Z",
        "yyyy-mm-ddThh:mm:ssZ"}) {
    EXPECT_EQ(read(text), -1) << text;
  }
}

}  // namespace
}  // namespace b2neon
