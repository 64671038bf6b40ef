#include "core/cors.h"

#include <gtest/gtest.h>

namespace b2neon {
namespace {

TEST(Cors, AnOriginIsLetInByItsVeryNameOrByAStar) {
  EXPECT_TRUE(lets_in({.allow_origin = "https://app.example"}, "https://app.example"));
  EXPECT_TRUE(lets_in({.allow_origin = "*"}, "https://app.example"));
  EXPECT_FALSE(lets_in({}, "https://app.example"));
  EXPECT_FALSE(lets_in({.allow_origin = "https://app.example/"}, "https://app.example"));
  EXPECT_FALSE(lets_in({.allow_origin = "http://app.example"}, "https://app.example"));
  EXPECT_FALSE(lets_in({.allow_origin = "https://*.example"}, "https://app.example"));
}

TEST(Cors, AMethodMustBeListedInItsCase) {
  EXPECT_TRUE(allows_method({.allow_methods = "GET,\tPUT , HEAD"}, "PUT"));
  EXPECT_TRUE(allows_method({.allow_methods = "*"}, "PUT"));
  EXPECT_FALSE(allows_method({.allow_methods = "put"}, "PUT"));
  EXPECT_FALSE(allows_method({.allow_methods = "PUTS, INPUT"}, "PUT"));
  EXPECT_FALSE(allows_method({}, "PUT"));
}

TEST(Cors, GetAndHeadNeedNotBeListed) {
  EXPECT_TRUE(allows_method({.allow_methods = "PUT"}, "GET"));
  EXPECT_TRUE(allows_method({}, "HEAD"));
}

TEST(Cors, AllHeadersMustBeListedInWhateverCase) {
  constexpr const char *kNames = "content-md5,content-type";
  EXPECT_TRUE(allows_headers({.allow_headers = "Content-Type, Content-MD5, ETag"}, kNames));
  EXPECT_TRUE(allows_headers({.allow_headers = "*"}, kNames));
  EXPECT_TRUE(allows_headers({}, ""));
  EXPECT_FALSE(allows_headers({.allow_headers = "content-type"}, kNames));
  EXPECT_FALSE(allows_headers({.allow_headers = "content-md5"}, kNames));
  EXPECT_FALSE(allows_headers({}, kNames));
}

TEST(Cors, AHeaderIsExposedByNameOrByAStar) {
  EXPECT_TRUE(exposes_header({.expose_headers = "x-amz-version-id, etag"}, "ETag"));
  EXPECT_TRUE(exposes_header({.expose_headers = "*"}, "ETag"));
  EXPECT_FALSE(exposes_header({.expose_headers = "x-etag"}, "ETag"));
  EXPECT_FALSE(exposes_header({}, "ETag"));
}

}  // namespace
}  // namespace b2neon
