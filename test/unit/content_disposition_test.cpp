#include "core/content_disposition.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/header_value.h"

namespace b2neon {
namespace {

std::string disposition(std::string_view file_name) {
  std::string out(attachment_disposition_bound(file_name.size()) + 1, '!');
  const char *end = attachment_disposition(out.data(), file_name);
  EXPECT_EQ(out.back(), '!');
  out.resize(static_cast<size_t>(end - out.data()));
  return out;
}

TEST(DownloadName, Has1To255Bytes) {
  EXPECT_NE(check_download_name(""), nullptr);
  EXPECT_EQ(check_download_name("a"), nullptr);
  EXPECT_EQ(check_download_name(std::string(255, 'a')), nullptr);
  EXPECT_NE(check_download_name(std::string(256, 'a')), nullptr);
}

TEST(DownloadName, HasNoControlCharacter) {
  for (int i = 0; i < 128; i++) {
    const std::string name = std::string("a") + static_cast<char>(i);
    EXPECT_EQ(check_download_name(name) != nullptr, i < 32 || i == 127) << i;
  }
}

TEST(DownloadName, IsUtf8) {
  EXPECT_EQ(check_download_name("日本語.txt"), nullptr);
  EXPECT_NE(check_download_name("\xff.txt"), nullptr);
}

TEST(ContentDisposition, NamesTheFileTwice) {
  EXPECT_EQ(disposition("report.pdf"),
            "attachment; filename=\"report.pdf\"; filename*=UTF-8''report.pdf");
}

// RFC 8187, section 3.2.3: the example `£ and € rates` (its hexadecimal digits in lower case).
TEST(ContentDisposition, EncodesTheExampleOfRfc8187) {
  EXPECT_EQ(disposition("£ and € rates"),
            "attachment; filename=\"_ and _ rates\"; "
            "filename*=UTF-8''%C2%A3%20and%20%E2%82%AC%20rates");
}

// RFC 6266, section 5
TEST(ContentDisposition, EncodesTheExampleOfRfc6266) {
  EXPECT_EQ(disposition("€ rates"),
            "attachment; filename=\"_ rates\"; filename*=UTF-8''%E2%82%AC%20rates");
}

TEST(ContentDisposition, HasOneUnderscoreForEachCharacterOutsideAscii) {
  EXPECT_EQ(disposition("日😀ä"),
            "attachment; filename=\"___\"; filename*=UTF-8''%E6%97%A5%F0%9F%98%80%C3%A4");
}

TEST(ContentDisposition, LetsNoQuoteEndTheName) {
  EXPECT_EQ(disposition("a\"; filename=\"b.exe"),
            "attachment; filename=\"a_; filename=_b.exe\"; "
            "filename*=UTF-8''a%22%3B%20filename%3D%22b.exe");
}

TEST(ContentDisposition, LetsNoEscapeIntoThePlainName) {
  EXPECT_EQ(disposition("a%22b"), "attachment; filename=\"a_22b\"; filename*=UTF-8''a%2522b");
  EXPECT_EQ(disposition("a\\"), "attachment; filename=\"a_\"; filename*=UTF-8''a_");
}

TEST(ContentDisposition, LetsNoQuoteEndTheEncodedName) {
  EXPECT_EQ(disposition("a''b"), "attachment; filename=\"a''b\"; filename*=UTF-8''a%27%27b");
}

TEST(ContentDisposition, NamesNoDirectory) {
  EXPECT_EQ(disposition("../a\\b"), "attachment; filename=\".._a_b\"; filename*=UTF-8''.._a_b");
}

TEST(ContentDisposition, CanBeSentInAHeaderWhateverTheName) {
  for (int i = 1; i < 256; i++) {
    const std::string name = std::string("a") + static_cast<char>(i) + "b";
    if (check_download_name(name) != nullptr) continue;
    const std::string value = disposition(name);
    EXPECT_EQ(check_header_value(value), nullptr) << i;
    // Two quotes around the plain name, two before the encoded one.
    EXPECT_EQ(std::count(value.begin(), value.end(), '"'), 2) << i;
  }
}

TEST(ContentDisposition, StaysWithinItsBound) {
  for (size_t length : {size_t{1}, size_t{2}, kMaxDownloadNameLength}) {
    for (const char *byte : {"a", "%", "\"", "/", "\xff"}) {
      std::string name;
      for (size_t i = 0; i < length; i++) name += byte;
      EXPECT_LE(disposition(name).size(), attachment_disposition_bound(length));
    }
  }
}

}  // namespace
}  // namespace b2neon
