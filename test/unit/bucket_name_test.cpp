#include "core/bucket_name.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

TEST(BucketName, HasAtLeastThreeCharacters) {
  EXPECT_NE(check_bucket_name(""), nullptr);
  EXPECT_NE(check_bucket_name("ab"), nullptr);
  EXPECT_EQ(check_bucket_name("abc"), nullptr);
}

TEST(BucketName, HasAtMost63Characters) {
  EXPECT_EQ(check_bucket_name(std::string(63, 'a')), nullptr);
  EXPECT_NE(check_bucket_name(std::string(64, 'a')), nullptr);
}

TEST(BucketName, ConsistsOfLettersDigitsHyphensAndDots) {
  EXPECT_EQ(check_bucket_name("my-bucket.2024"), nullptr);
  EXPECT_EQ(check_bucket_name("MyBucket"), nullptr);  // B2 has these
  for (int i = 0; i < 256; i++) {
    const char c = static_cast<char>(i);
    const bool allowed = std::string("-.").find(c) != std::string::npos || (c >= '0' && c <= '9') ||
                         (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const std::string name = std::string("ab") + c + "cd";
    EXPECT_EQ(check_bucket_name(name) == nullptr, allowed) << i;
  }
}

TEST(BucketName, BeginsAndEndsWithALetterOrDigit) {
  for (const char *name : {"-abc", "abc-", ".abc", "abc.", "...", "---"}) {
    EXPECT_NE(check_bucket_name(name), nullptr) << name;
  }
  EXPECT_EQ(check_bucket_name("1-2"), nullptr);
}

// It would be an empty label of a host name, and a path segment that URL parsers remove.
TEST(BucketName, HasNoTwoDotsInARow) {
  EXPECT_NE(check_bucket_name("a..b"), nullptr);
  EXPECT_EQ(check_bucket_name("a.b.c"), nullptr);
}

TEST(BucketName, CannotLeaveItsPlaceInAUrl) {
  for (const char *name : {"a/b", "a?b", "a#b", "a@b", "a:b", "a%2fb", "a\\b", "a\nb", "a b"}) {
    EXPECT_NE(check_bucket_name(name), nullptr) << name;
  }
}

TEST(Region, IsWhatB2AndAwsCallTheirs) {
  for (const char *region : {"us-west-002", "us-west-004", "us-east-005", "eu-central-003",
                             "us-east-1", "auto", "default", "a"}) {
    EXPECT_EQ(check_region(region), nullptr) << region;
  }
}

TEST(Region, Has1To63Characters) {
  EXPECT_NE(check_region(""), nullptr);
  EXPECT_EQ(check_region(std::string(63, 'a')), nullptr);
  EXPECT_NE(check_region(std::string(64, 'a')), nullptr);
}

// A slash would change the credential scope.
TEST(Region, HasNoOtherCharacters) {
  for (const char *region :
       {"US-WEST-004", "us_west", "us west", "us/west", "us.west", "us\n", "\xc3\xbcs", "us%2d"}) {
    EXPECT_NE(check_region(region), nullptr) << region;
  }
}

}  // namespace
}  // namespace b2neon
