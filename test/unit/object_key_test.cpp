#include "core/object_key.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

TEST(ObjectKey, IsNotEmpty) {
  EXPECT_NE(check_object_key(""), nullptr);
  EXPECT_EQ(check_object_key("a"), nullptr);
}

TEST(ObjectKey, HasAtMost1024Bytes) {
  EXPECT_EQ(check_object_key(std::string(1024, 'a')), nullptr);
  EXPECT_NE(check_object_key(std::string(1025, 'a')), nullptr);
}

TEST(ObjectKey, IsMeasuredInBytesOfUtf8) {
  std::string key;
  for (int i = 0; i < 512; i++) key += "ä";
  EXPECT_EQ(check_object_key(key), nullptr);
  EXPECT_NE(check_object_key(key + "a"), nullptr);
}

TEST(ObjectKey, RefusesControlCharacters) {
  for (int i = 0; i < 128; i++) {
    const std::string key = std::string("a") + static_cast<char>(i) + "b";
    EXPECT_EQ(check_object_key(key) != nullptr, i < 32 || i == 127) << i;
  }
}

TEST(ObjectKey, RefusesDotSegments) {
  for (const char *key : {".", "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b", "/.", "/..",
                          "a//../b", "ä/../b", "../../etc/passwd"}) {
    EXPECT_NE(check_object_key(key), nullptr) << key;
  }
}

TEST(ObjectKey, MayHaveDotsElsewhere) {
  for (const char *key :
       {"...", ".a", "..a", "a.", "a..", "a..b", ".a/..b/...", "a.b/c.d", "/.a"}) {
    EXPECT_EQ(check_object_key(key), nullptr) << key;
  }
}

TEST(ObjectKey, MayHaveSlashesAnywhere) {
  for (const char *key : {"/", "//", "/a", "a/", "a//b"}) {
    EXPECT_EQ(check_object_key(key), nullptr) << key;
  }
}

TEST(ObjectKey, MayHaveWhatAUrlMustEncode) {
  for (const char *key :
       {"a b", "100% ?#&=+", "\"quoted\"", "a\\b", "日本語.txt", "😀", "%2e%2e/a"}) {
    EXPECT_EQ(check_object_key(key), nullptr) << key;
  }
}

TEST(ObjectKey, IsUtf8) {
  EXPECT_NE(check_object_key("a\xff"), nullptr);
  EXPECT_NE(check_object_key("\xc0\xae\xc0\xae/a"), nullptr);  // overlong dots
  EXPECT_NE(check_object_key("\xed\xa0\x80"), nullptr);
  EXPECT_NE(check_object_key("\xc3"), nullptr);
}

// https://www.w3.org/TR/xml/#charsets ends at U+FFFD within its plane.
TEST(ObjectKey, RefusesTheTwoCodePointsThatXmlCannotCarry) {
  EXPECT_EQ(check_object_key("a\xef\xbf\xbd"), nullptr);  // U+FFFD
  EXPECT_NE(check_object_key("a\xef\xbf\xbe"), nullptr);
  EXPECT_NE(check_object_key("a\xef\xbf\xbf"), nullptr);
  EXPECT_EQ(check_object_key("\xf0\x9f\xbf\xbf"), nullptr);  // U+1FFFF, which XML can
}

TEST(LastPathComponent, ComesAfterTheLastSlashOrBackslash) {
  EXPECT_EQ(last_path_component("a.png"), "a.png");
  EXPECT_EQ(last_path_component("C:\\fakepath\\a.png"), "a.png");
  EXPECT_EQ(last_path_component("album/2024/a.png"), "a.png");
  EXPECT_EQ(last_path_component("a/b\\c"), "c");
  EXPECT_EQ(last_path_component("a\\b/c"), "c");
  EXPECT_EQ(last_path_component("a/"), "");
  EXPECT_EQ(last_path_component("/"), "");
  EXPECT_EQ(last_path_component(""), "");
}

}  // namespace
}  // namespace b2neon
