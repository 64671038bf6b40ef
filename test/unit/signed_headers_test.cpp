#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/signer.h"

namespace b2neon {
namespace {

bool headers_are_refused(std::vector<NameValue> headers) {
  return check_signed_headers(headers) != nullptr;
}

bool query_is_refused(std::vector<NameValue> query) {
  return check_query(query) != nullptr;
}

std::vector<NameValue> distinct(size_t count, size_t length, std::vector<std::string> &names) {
  for (size_t i = 0; i < count; i++) {
    std::string name(length - 2, 'x');
    name += static_cast<char>('a' + i / 26);
    name += static_cast<char>('a' + i % 26);
    names.push_back(name);
  }
  std::vector<NameValue> made;
  for (const std::string &name : names) made.push_back({name, ""});
  return made;
}

TEST(SignedHeaders, MayBeNone) {
  EXPECT_FALSE(headers_are_refused({}));
  EXPECT_FALSE(query_is_refused({}));
}

TEST(SignedHeaders, AreAtMost64) {
  std::vector<std::string> names, more_names;
  EXPECT_FALSE(headers_are_refused(distinct(64, 4, names)));
  EXPECT_TRUE(headers_are_refused(distinct(65, 4, more_names)));
}

TEST(SignedHeaders, HaveNamesOf1024BytesTogether) {
  const std::string long_name_text(1025, 'x');
  const std::string_view long_name = long_name_text;
  std::vector<std::string> names, more_names;
  EXPECT_FALSE(headers_are_refused(distinct(64, 16, names)));
  EXPECT_TRUE(headers_are_refused(distinct(61, 17, more_names)));
  EXPECT_FALSE(headers_are_refused({{long_name.substr(0, 1024), ""}}));
  EXPECT_TRUE(headers_are_refused({{long_name, ""}}));
}

TEST(SignedHeaders, AreGivenOnceInAnyCase) {
  EXPECT_TRUE(headers_are_refused({{"a", "1"}, {"a", "1"}}));
  EXPECT_TRUE(headers_are_refused({{"Content-Type", "a"}, {"b", ""}, {"content-TYPE", "c"}}));
  EXPECT_FALSE(headers_are_refused({{"a", "1"}, {"ab", "1"}, {"b", "1"}}));
}

TEST(SignedHeaders, AreOtherThanHost) {
  EXPECT_TRUE(headers_are_refused({{"host", "a"}}));
  EXPECT_TRUE(headers_are_refused({{"a", ""}, {"HOST", "a"}}));
  EXPECT_FALSE(headers_are_refused({{"hosts", "a"}}));
}

TEST(SignedHeaders, AreValidHeaders) {
  EXPECT_TRUE(headers_are_refused({{"", "a"}}));
  EXPECT_TRUE(headers_are_refused({{"a b", "a"}}));
  EXPECT_TRUE(headers_are_refused({{"a", "b\nhost:evil.example"}}));
  EXPECT_TRUE(headers_are_refused({{"a\nhost", "evil.example"}}));
  EXPECT_TRUE(headers_are_refused({{"a", "\xc3\xa4"}}));
}

TEST(Query, HasAtMost64Parameters) {
  EXPECT_FALSE(query_is_refused(std::vector<NameValue>(64, {"a", ""})));
  EXPECT_TRUE(query_is_refused(std::vector<NameValue>(65, {"a", ""})));
}

TEST(Query, HasNamesAndMayHaveEmptyValues) {
  EXPECT_TRUE(query_is_refused({{"", "a"}}));
  EXPECT_FALSE(query_is_refused({{"lifecycle", ""}}));
}

TEST(Query, HasNoControlCharacters) {
  EXPECT_TRUE(query_is_refused({{"a\n", "b"}}));
  EXPECT_TRUE(query_is_refused({{"a", "b\r"}}));
  EXPECT_TRUE(query_is_refused({{"a", {"\0", 1}}}));
  EXPECT_FALSE(query_is_refused({{"response-content-disposition", "attachment; filename=\"ä\""}}));
}

TEST(Query, LeavesTheSignaturesOwnParametersToTheSigner) {
  for (const char *name :
       {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
        "X-Amz-Signature", "x-amz-signature", "X-AMZ-EXPIRES"}) {
    EXPECT_TRUE(query_is_refused({{"a", ""}, {name, "1"}})) << name;
  }
  EXPECT_FALSE(query_is_refused({{"X-Amz-Meta-A", "1"}}));
}

}  // namespace
}  // namespace b2neon
