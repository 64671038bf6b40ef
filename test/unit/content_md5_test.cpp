#include <gtest/gtest.h>

#include <string>

#include "core/header_value.h"

namespace b2neon {
namespace {

TEST(ContentMd5, IsTheBase64OfSixteenBytes) {
  EXPECT_EQ(check_content_md5("Q2hlY2sgSW50ZWdyaXR5IQ=="), nullptr);  // RFC 1864, section 2
  EXPECT_EQ(check_content_md5("1B2M2Y8AsgTpgAmY7PhCfg=="), nullptr);  // of nothing
  EXPECT_EQ(check_content_md5("/////////////////////w=="), nullptr);
  EXPECT_EQ(check_content_md5("AAAAAAAAAAAAAAAAAAAAAA=="), nullptr);
}

TEST(ContentMd5, HasTwentyFourCharacters) {
  for (const char *value :
       {"", "==", "1B2M2Y8AsgTpgAmY7PhCf==", "1B2M2Y8AsgTpgAmY7PhCfgg==", "1B2M2Y8AsgTpgAmY7PhCfg",
        "1B2M2Y8AsgTpgAmY7PhCfg== ", " 1B2M2Y8AsgTpgAmY7PhCfg=="}) {
    EXPECT_NE(check_content_md5(value), nullptr) << value;
  }
}

TEST(ContentMd5, EndsWithTwoEqualsSigns) {
  for (const char *value :
       {"1B2M2Y8AsgTpgAmY7PhCfggg", "1B2M2Y8AsgTpgAmY7PhCfgg=", "1B2M2Y8AsgTpgAmY7PhCfg=g"}) {
    EXPECT_NE(check_content_md5(value), nullptr) << value;
  }
}

TEST(ContentMd5, HasNoOtherCharacters) {
  for (char c : {'=', '-', '_', ' ', '\n', '\0', '\x80', '.'}) {
    std::string value = "1B2M2Y8AsgTpgAmY7PhCfg==";
    value[5] = c;
    EXPECT_NE(check_content_md5(value), nullptr) << c;
  }
}

// RFC 4648, section 3.5: other last digits decode to the same bytes, and stores may refuse them.
TEST(ContentMd5, HasOnlyOneFormForEachMd5) {
  int accepted = 0;
  for (char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")) {
    std::string value = "1B2M2Y8AsgTpgAmY7PhCfg==";
    value[21] = c;
    accepted += check_content_md5(value) == nullptr;
  }
  EXPECT_EQ(accepted, 4);
  EXPECT_NE(check_content_md5("1B2M2Y8AsgTpgAmY7PhCfh=="), nullptr);
}

TEST(ContentMd5, IsNotHexadecimal) {
  EXPECT_NE(check_content_md5("d41d8cd98f00b204e9800998ecf8427e"), nullptr);
}

}  // namespace
}  // namespace b2neon
