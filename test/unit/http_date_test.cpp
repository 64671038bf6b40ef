#include "core/http_date.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

// The three forms of RFC 9110, section 5.6.7, of the same moment.
TEST(HttpDate, HasThreeForms) {
  EXPECT_EQ(read_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  EXPECT_EQ(read_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
  EXPECT_EQ(read_http_date("Sun Nov  6 08:49:37 1994"), 784111777);
}

TEST(HttpDate, IsNothingElse) {
  for (const std::string &text :
       {std::string(), std::string("soon"), std::string("120"), std::string("-1"),
        std::string("Sun, 06 Nov 1994 08:49:37 GMT\0", 30), std::string(100, ' '),
        std::string("Wed, 99 Nov 1994 08:49:37 GMT")}) {
    EXPECT_EQ(read_http_date(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace b2neon
