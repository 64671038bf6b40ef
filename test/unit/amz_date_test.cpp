#include "core/amz_date.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

namespace b2neon {
namespace {

std::string timestamp(int64_t unix_time) {
  return std::string(AmzDate(unix_time).timestamp());
}

TEST(AmzDate, BeginsIn1970) {
  EXPECT_EQ(timestamp(AmzDate::kMinimum), "19700101T000000Z");
}

TEST(AmzDate, EndsWithTheYear9999) {
  EXPECT_EQ(timestamp(AmzDate::kMaximum), "99991231T235959Z");
}

TEST(AmzDate, WritesTheDateOfTheAwsExamples) {
  EXPECT_EQ(timestamp(1369353600), "20130524T000000Z");
}

TEST(AmzDate, WritesEveryPartWithLeadingZeros) {
  EXPECT_EQ(timestamp(981173106), "20010203T040506Z");
}

TEST(AmzDate, TurnsTheDayAtMidnightUtc) {
  EXPECT_EQ(timestamp(1369353599), "20130523T235959Z");
  EXPECT_EQ(AmzDate(1369353599).day(), "20130523");
  EXPECT_EQ(AmzDate(1369353600).day(), "20130524");
}

// Of the years that end a century, only each fourth is a leap year.
TEST(AmzDate, KnowsLeapYears) {
  EXPECT_EQ(timestamp(951782400), "20000229T000000Z");
  EXPECT_EQ(timestamp(1709164800), "20240229T000000Z");
  EXPECT_EQ(timestamp(1677542400 + 86400), "20230301T000000Z");
  EXPECT_EQ(timestamp(4107542400 - 1), "21000228T235959Z");
  EXPECT_EQ(timestamp(4107542400), "21000301T000000Z");
}

TEST(AmzDate, GoesPastTheEndOf32BitTime) {
  EXPECT_EQ(timestamp(2147483647), "20380119T031407Z");
  EXPECT_EQ(timestamp(2147483648), "20380119T031408Z");
  EXPECT_EQ(timestamp(4294967296), "21060207T062816Z");
}

TEST(AmzDate, DoesNotDependOnTheTimeZone) {
  ASSERT_EQ(setenv("TZ", "Pacific/Auckland", 1), 0);
  tzset();
  EXPECT_EQ(timestamp(1369353600), "20130524T000000Z");
  unsetenv("TZ");
  tzset();
}

}  // namespace
}  // namespace b2neon
