#include "core/header_value.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

// RFC 9110, section 5.6.2
constexpr std::string_view kTokenCharacters =
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

TEST(HeaderName, IsAToken) {
  for (int i = 0; i < 256; i++) {
    const char c = static_cast<char>(i);
    const std::string name = std::string("a") + c;
    EXPECT_EQ(check_header_name(name) == nullptr,
              kTokenCharacters.find(c) != std::string_view::npos)
        << i;
  }
}

TEST(HeaderName, IsNotEmpty) {
  EXPECT_NE(check_header_name(""), nullptr);
  EXPECT_EQ(check_header_name("x-amz-meta-author"), nullptr);
}

TEST(HeaderName, CannotHoldALineOfItsOwn) {
  for (const char *name : {"a:b", "a b", "a\r\nb", "a\n", ":", " a"}) {
    EXPECT_NE(check_header_name(name), nullptr) << name;
  }
}

TEST(HeaderValue, IsVisibleAsciiAndSpaces) {
  for (int i = 0; i < 256; i++) {
    const std::string value = std::string("a") + static_cast<char>(i) + "b";
    EXPECT_EQ(check_header_value(value) == nullptr, i >= 0x20 && i <= 0x7e) << i;
  }
}

TEST(HeaderValue, MayBeEmpty) {
  EXPECT_EQ(check_header_value(""), nullptr);
}

TEST(HeaderValue, CannotEndItsLine) {
  EXPECT_NE(check_header_value("a\r\nX-Injected: b"), nullptr);
  EXPECT_NE(check_header_value("a\n"), nullptr);
  EXPECT_NE(check_header_value("a\r"), nullptr);
  EXPECT_NE(check_header_value({"a\0", 2}), nullptr);
}

}  // namespace
}  // namespace b2neon
