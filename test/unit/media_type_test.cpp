#include <gtest/gtest.h>

#include <string>

#include "core/header_value.h"

namespace b2neon {
namespace {

TEST(MediaType, IsTypeSlashSubtype) {
  for (const char *type :
       {"image/png", "image/svg+xml", "application/vnd.ms-excel", "x/y",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "IMAGE/PNG",
        "font/woff2"}) {
    EXPECT_EQ(check_media_type(type), nullptr) << type;
  }
}

TEST(MediaType, MayHaveParameters) {
  for (const char *type : {"text/html;charset=utf-8", "text/html; charset=utf-8",
                           "text/html ; charset=\"utf-8\"", "multipart/mixed; boundary=\"a b\""}) {
    EXPECT_EQ(check_media_type(type), nullptr) << type;
  }
}

TEST(MediaType, HasATypeAndASubtype) {
  for (const char *type : {"", " ", "image", "/", "image/", "/png", ";", "; a=b", "image;/png",
                           "image/; a=b", "/png; a=b"}) {
    EXPECT_NE(check_media_type(type), nullptr) << type;
  }
}

TEST(MediaType, IsOneMediaType) {
  for (const char *type :
       {"image/png, text/html", "image/png,text/html", "image/png text/html", "image/png/x",
        "image / png", "image/ png", " image/png", "image/png ", "text/html; a=b "}) {
    EXPECT_NE(check_media_type(type), nullptr) << type;
  }
}

TEST(MediaType, HasNothingButParametersBehindIt) {
  for (const char *type : {"image/png;,text/html", "image/png; a=b, text/html", "image/png; a",
                           "image/png; a=", "image/png; =b", "image/png; a=\"b",
                           "image/png; a=\"\\\"", "image/png; a=b c", "image/png; a=\"b\"c"}) {
    EXPECT_NE(check_media_type(type), nullptr) << type;
  }
  for (const char *type :
       {"image/png;", "image/png; ; a=b", "image/png; a=\"b, \\\"c\\\"\"; d=e"}) {
    EXPECT_EQ(check_media_type(type), nullptr) << type;
  }
}

TEST(MediaType, CanBeSentInAHeader) {
  for (const char *type : {"image/png\r\nX: y", "image/png\n", "text/html; a=\xc3\xa4",
                           "text/html;\tcharset=utf-8", "im\xc3\xa4ge/png"}) {
    EXPECT_NE(check_media_type(type), nullptr) << type;
  }
}

TEST(MediaType, HasAtMost255Characters) {
  EXPECT_EQ(check_media_type("a/" + std::string(253, 'b')), nullptr);
  EXPECT_NE(check_media_type("a/" + std::string(254, 'b')), nullptr);
}

}  // namespace
}  // namespace b2neon
