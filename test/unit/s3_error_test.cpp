#include "core/s3_error.h"

#include <gtest/gtest.h>

#include <string>

namespace b2neon {
namespace {

std::string error_with(const std::string &elements) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>" + elements + "</Error>";
}

// The example of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
TEST(S3Error, HasCodeMessageAndRequestId) {
  S3Error error;
  ASSERT_TRUE(
      read_s3_error(error_with("\n  <Code>NoSuchKey</Code>\n"
                               "  <Message>The resource you requested does not exist</Message>\n"
                               "  <Resource>/mybucket/myfoto.jpg</Resource> \n"
                               "  <RequestId>4442587FB7D0A2F9</RequestId>\n"),
                    error));
  EXPECT_STREQ(error.code, "NoSuchKey");
  EXPECT_STREQ(error.message, "The resource you requested does not exist");
  EXPECT_STREQ(error.request_id, "4442587FB7D0A2F9");
}

// Ceph's have no message, B2's no request id.
TEST(S3Error, NeedsNothingButACode) {
  S3Error error;
  ASSERT_TRUE(read_s3_error("<Error><Code>AccessDenied</Code></Error>", error));
  EXPECT_STREQ(error.code, "AccessDenied");
  EXPECT_STREQ(error.message, "");
  EXPECT_STREQ(error.request_id, "");
}

TEST(S3Error, IsNothingElse) {
  S3Error error;
  std::string_view("before").copy(error.code, 7);
  for (const std::string &body :
       {std::string(), std::string("not found"), std::string("{\"code\": \"NoSuchKey\"}"),
        std::string("<html><body><h1>503</h1></body></html>"), error_with(""),
        error_with("<Message>no code</Message>"), error_with("<Code></Code>"),
        error_with("<Code>two words</Code>"), error_with("<Code>\xc3\xa4</Code>"),
        error_with("<Code>" + std::string(65, 'a') + "</Code>"),
        std::string("<Result><Error><Code>NoSuchKey</Code></Error></Result>"),
        std::string("<Error><Code>NoSuchKey</Code>")}) {
    EXPECT_FALSE(read_s3_error(body, error)) << body;
    EXPECT_STREQ(error.code, "before") << body;
  }
}

// The texts end in messages and in the server's log.
TEST(S3Error, IsPrintableAsciiOfBoundedLength) {
  S3Error error;
  ASSERT_TRUE(read_s3_error(error_with("<Code>A</Code><Message>a\nb\t\xc3\xa4\x7f</Message>"
                                       "<RequestId>" +
                                       std::string(10000, 'x') + "</RequestId>"),
                            error));
  EXPECT_STREQ(error.message, "a b ???");
  EXPECT_STREQ(error.request_id, std::string(200, 'x').c_str());
  ASSERT_TRUE(read_s3_error(
      error_with("<Code>A</Code><Message>" + std::string(10000, 'y') + "</Message>"), error));
  EXPECT_STREQ(error.message, std::string(500, 'y').c_str());
}

}  // namespace
}  // namespace b2neon
