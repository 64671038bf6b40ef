#include "core/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

std::string encode(unsigned long code_point) {
  auto byte = [](unsigned long value) { return static_cast<char>(value); };
  if (code_point < 0x80) return {byte(code_point)};
  if (code_point < 0x800) return {byte(0xc0 | code_point >> 6), byte(0x80 | (code_point & 0x3f))};
  if (code_point < 0x10000) {
    return {byte(0xe0 | code_point >> 12), byte(0x80 | (code_point >> 6 & 0x3f)),
            byte(0x80 | (code_point & 0x3f))};
  }
  return {byte(0xf0 | code_point >> 18), byte(0x80 | (code_point >> 12 & 0x3f)),
          byte(0x80 | (code_point >> 6 & 0x3f)), byte(0x80 | (code_point & 0x3f))};
}

TEST(Utf8, HasEveryCodePointButTheSurrogates) {
  for (unsigned long code_point = 0; code_point <= 0x10ffff; code_point++) {
    const bool is_surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    ASSERT_EQ(is_utf8(encode(code_point)), !is_surrogate) << std::hex << code_point;
  }
}

TEST(Utf8, EndsAtU10FFFF) {
  EXPECT_TRUE(is_utf8("\xf4\x8f\xbf\xbf"));
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));
  EXPECT_FALSE(is_utf8("\xf5\x80\x80\x80"));
  EXPECT_FALSE(is_utf8("\xf7\xbf\xbf\xbf"));
}

TEST(Utf8, HasTheExamplesOfRfc3629) {
  EXPECT_TRUE(is_utf8("\x41\xe2\x89\xa2\xce\x91\x2e"));
  EXPECT_TRUE(is_utf8("\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4"));
  EXPECT_TRUE(is_utf8("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"));
  EXPECT_TRUE(is_utf8("\xef\xbb\xbf\xf0\xa3\x8e\xb4"));
}

TEST(Utf8, OfNothingIsWellFormed) {
  EXPECT_TRUE(is_utf8({}));
}

TEST(Utf8, HasNulLikeAnyOtherByte) {
  EXPECT_TRUE(is_utf8({"a\0b", 3}));
}

// Markus Kuhn's "UTF-8 decoder capability and stress test", section 4
TEST(Utf8, HasNoOverlongForms) {
  for (const char *text : {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf",
                           "\xfc\x80\x80\x80\x80\xaf", "\xc1\xbf", "\xe0\x9f\xbf",
                           "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf",
                           "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80"}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

// The same, section 5
TEST(Utf8, HasNoSurrogatesNotEvenInPairs) {
  for (const char *text :
       {"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80",
        "\xed\xbe\x80", "\xed\xbf\xbf", "\xed\xa0\x80\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf"}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

// The same, section 3; The Unicode Standard 15, tables 3-8 to 3-11
TEST(Utf8, HasNoBrokenSequences) {
  for (const char *text :
       {"\x80", "\xbf", "\x80\xbf", "\xc2", "\xc2 ", "\xdf", "\xe1\x80", "\xe1\x80 ",
        "\xf1\x80\x80", "\xf1\x80\x80 ", "\xfe", "\xff", "\xfe\xfe\xff\xff",
        "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41",
        "\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

// 128 bytes are characters alone, 1920 pairs and 61440 triples are (63488 less 2048 surrogates).
TEST(Utf8, HasAsManyStringsOfUpToThreeBytesAsUnicodeAllows) {
  size_t pairs = 0;
  size_t triples = 0;
  for (int a = 0; a < 256; a++) {
    for (int b = 0; b < 256; b++) {
      const char text[] = {static_cast<char>(a), static_cast<char>(b)};
      pairs += is_utf8({text, 2});
    }
    for (int bc = 0; bc < 65536; bc++) {
      const char text[] = {static_cast<char>(a), static_cast<char>(bc >> 8),
                           static_cast<char>(bc & 0xff)};
      triples += is_utf8({text, 3});
    }
  }
  EXPECT_EQ(pairs, 128u * 128 + 1920);
  EXPECT_EQ(triples, 128u * 128 * 128 + 2 * 128 * 1920 + 61440);
}

TEST(Utf8Prefix, IsTheWholeOfWhatIsShortEnough) {
  EXPECT_EQ(utf8_prefix("häß", 5), "häß");
  EXPECT_EQ(utf8_prefix("häß", 100), "häß");
  EXPECT_EQ(utf8_prefix("", 0), "");
}

TEST(Utf8Prefix, CutsNoCharacterInTwo) {
  EXPECT_EQ(utf8_prefix("häß", 4), "hä");
  EXPECT_EQ(utf8_prefix("häß", 3), "hä");
  EXPECT_EQ(utf8_prefix("häß", 2), "h");
  EXPECT_EQ(utf8_prefix("häß", 0), "");
  EXPECT_EQ(utf8_prefix("a\xf0\xa3\x8e\xb4", 4), "a");
  EXPECT_EQ(utf8_prefix("\xf0\xa3\x8e\xb4", 3), "");
}

TEST(Utf8Prefix, IsTheLongestThatFits) {
  const std::string text = "aä€\xf0\xa3\x8e\xb4z";
  for (size_t limit = 0; limit <= text.size(); limit++) {
    const std::string_view prefix = utf8_prefix(text, limit);
    EXPECT_LE(prefix.size(), limit);
    EXPECT_TRUE(is_utf8(prefix)) << limit;
    for (size_t longer = prefix.size() + 1; longer <= limit; longer++) {
      EXPECT_FALSE(is_utf8(text.substr(0, longer))) << limit;
    }
  }
}

}  // namespace
}  // namespace b2neon
