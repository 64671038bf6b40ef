#include "core/percent_encoding.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace b2neon {
namespace {

std::string encoded(std::string_view text) {
  std::string out(percent_encoded_bound(text.size()) + 1, '!');
  const char *end = percent_encode(out.data(), text);
  EXPECT_EQ(out.back(), '!');
  out.resize(static_cast<size_t>(end - out.data()));
  return out;
}

std::string encoded_path(std::string_view text) {
  std::string out(percent_encoded_bound(text.size()) + 1, '!');
  const char *end = percent_encode_path(out.data(), text);
  EXPECT_EQ(out.back(), '!');
  out.resize(static_cast<size_t>(end - out.data()));
  return out;
}

int sign(int order) {
  return (order > 0) - (order < 0);
}

// RFC 3986, section 2.3
constexpr std::string_view kUnreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

TEST(PercentEncoding, KeepsUnreservedBytesAndEncodesAllOthers) {
  for (int i = 0; i < 256; i++) {
    const char c = static_cast<char>(i);
    char expected[4] = {c, '\0'};
    size_t length = 1;
    if (kUnreserved.find(c) == std::string_view::npos) {
      length = static_cast<size_t>(snprintf(expected, sizeof expected, "%%%02X", i));
    }
    EXPECT_EQ(encoded({&c, 1}), std::string(expected, length)) << i;
  }
}

TEST(PercentEncoding, KeepsTheSlashesOfAPathAndNothingElse) {
  EXPECT_EQ(encoded_path("/a/b//c/"), "/a/b//c/");
  EXPECT_EQ(encoded("/a/b//c/"), "%2Fa%2Fb%2F%2Fc%2F");
  for (int i = 0; i < 256; i++) {
    const char c = static_cast<char>(i);
    if (c != '/') {
      EXPECT_EQ(encoded_path({&c, 1}), encoded({&c, 1})) << i;
    }
  }
}

// AWS: "the space character is a reserved character and must be encoded as %20 (and not as +)".
TEST(PercentEncoding, WritesASpaceAsPercent20) {
  EXPECT_EQ(encoded("a b+c"), "a%20b%2Bc");
}

TEST(PercentEncoding, EncodesUtf8ByteByByte) {
  EXPECT_EQ(encoded("€ ∑"), "%E2%82%AC%20%E2%88%91");
}

TEST(PercentEncoding, EncodesAPercentSignAgain) {
  EXPECT_EQ(encoded("%2F"), "%252F");
}

TEST(PercentEncoding, OfNothingIsNothing) {
  EXPECT_EQ(encoded({}), "");
  EXPECT_EQ(encoded_path({}), "");
}

TEST(PercentEncoding, GrowsToItsBound) {
  EXPECT_EQ(encoded("\xff\xff").size(), percent_encoded_bound(2));
}

TEST(PercentEncodedOrder, IsThatOfTheEncodedTextsForAllPairsOfBytes) {
  for (int i = 0; i < 256; i++) {
    for (int j = 0; j < 256; j++) {
      const char a = static_cast<char>(i);
      const char b = static_cast<char>(j);
      ASSERT_EQ(sign(compare_percent_encoded({&a, 1}, {&b, 1})),
                sign(encoded({&a, 1}).compare(encoded({&b, 1}))))
          << i << " and " << j;
    }
  }
}

TEST(PercentEncodedOrder, IsThatOfTheEncodedTextsForRandomTexts) {
  std::mt19937 random(1);
  auto text = [&random] {
    constexpr std::string_view kBytes("aA0-~%/=\0\x80\xff$", 12);
    std::string made;
    for (size_t n = random() % 5; n > 0; n--) made += kBytes[random() % kBytes.size()];
    return made;
  };
  for (int i = 0; i < 100000; i++) {
    const std::string a = text();
    const std::string b = text();
    ASSERT_EQ(sign(compare_percent_encoded(a, b)), sign(encoded(a).compare(encoded(b))))
        << encoded(a) << " and " << encoded(b);
  }
}

TEST(PercentEncodedOrder, DiffersFromThatOfThePlainTexts) {
  EXPECT_GT(std::string("ä"), "a");
  EXPECT_LT(compare_percent_encoded("ä", "a"), 0);  // %C3%A4 and a
  EXPECT_LT(std::string("$"), "-");
  EXPECT_LT(compare_percent_encoded("{", "-"), 0);  // %7B and -
}

std::string decoded(std::string_view text) {
  std::string plain;
  return percent_decode(text, plain) ? plain : "(none)";
}

TEST(PercentDecode, TakesBackWhatStoresEncode) {
  EXPECT_EQ(decoded("a%2Fb%20c+d%2bE%C3%A4~"), "a/b c d+E\xc3\xa4~");
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("%00"), std::string(1, '\0'));
}

TEST(PercentDecode, WantsTwoDigits) {
  for (const char *text : {"%", "%2", "%2G", "%-1", "% 1", "a%"}) {
    EXPECT_EQ(decoded(text), "(none)") << text;
  }
}

}  // namespace
}  // namespace b2neon
