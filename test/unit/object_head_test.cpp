#include "core/object_head.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "unit/http_test_server.h"
#include "unit/http_wait.h"

namespace b2neon {
namespace {

// The head of an object that a store describes with these header lines.
class AnsweredHead {
 public:
  explicit AnsweredHead(const std::string &lines) {
    HttpTestServer server("HTTP/1.1 200 OK\r\n" + lines + "\r\n");
    HttpRequest request = local_get(server.url());
    request.method = "HEAD";
    exchange_ = performed(request);
    EXPECT_EQ(exchange_->status(), 200) << exchange_->failure_text();
  }
  ObjectHead head() const { return read_object_head(*exchange_); }

 private:
  std::unique_ptr<HttpExchange> exchange_;
};

TEST(ObjectHead, HasSizeTypeETagAndVersion) {
  AnsweredHead answered(
      "Content-Length: 1234\r\nContent-Type: image/png\r\n"
      "ETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\nx-amz-version-id: 4_z27c88f1d\r\n");
  EXPECT_EQ(answered.head().size, 1234);
  EXPECT_EQ(answered.head().content_type, "image/png");
  EXPECT_EQ(answered.head().etag, "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(answered.head().version_id, "4_z27c88f1d");
}

TEST(ObjectHead, KnowsNothingOfWhatIsNotSaid) {
  AnsweredHead answered("");
  EXPECT_EQ(answered.head().size, -1);
  EXPECT_EQ(answered.head().content_type, "");
  EXPECT_EQ(answered.head().etag, "");
  EXPECT_EQ(answered.head().version_id, "");
}

TEST(ObjectHead, HasASizeUpToTheLargest) {
  EXPECT_EQ(AnsweredHead("Content-Length: 0\r\n").head().size, 0);
  EXPECT_EQ(AnsweredHead("Content-Length: 10995116277760\r\n").head().size, 10995116277760);
  EXPECT_EQ(AnsweredHead("Content-Length: 9223372036854775807\r\n").head().size, INT64_MAX);
}

TEST(ObjectHead, TakesTheQuotesOffTheETag) {
  EXPECT_EQ(AnsweredHead("ETag: \"a-2\"\r\n").head().etag, "a-2");
  EXPECT_EQ(AnsweredHead("ETag: a-2\r\n").head().etag, "a-2");
  EXPECT_EQ(AnsweredHead("ETag: \"\"\r\n").head().etag, "");
  EXPECT_EQ(AnsweredHead("ETag: \"\r\n").head().etag, "\"");
  EXPECT_EQ(AnsweredHead("ETag: \"a\r\n").head().etag, "\"a");
}

// The MD5 of nothing, and of RFC 1864's "Check Integrity!"
TEST(ETag, AgreesWithTheMd5ThatItIs) {
  EXPECT_TRUE(etag_agrees_with_md5("d41d8cd98f00b204e9800998ecf8427e", "1B2M2Y8AsgTpgAmY7PhCfg=="));
  EXPECT_TRUE(etag_agrees_with_md5("436865636b20496e7465677269747921", "Q2hlY2sgSW50ZWdyaXR5IQ=="));
  EXPECT_TRUE(etag_agrees_with_md5("D41D8CD98F00B204E9800998ECF8427E", "1B2M2Y8AsgTpgAmY7PhCfg=="));
}

TEST(ETag, DisagreesWithEveryOtherMd5) {
  const std::string etag = "d41d8cd98f00b204e9800998ecf8427e";
  for (size_t i = 0; i < etag.size(); i++) {
    std::string other = etag;
    other[i] = other[i] == '0' ? '1' : '0';
    EXPECT_FALSE(etag_agrees_with_md5(other, "1B2M2Y8AsgTpgAmY7PhCfg==")) << other;
  }
}

TEST(ETag, ThatIsNoMd5CannotTell) {
  for (const char *etag :
       {"", "d41d8cd98f00b204e9800998ecf8427e-2", "d41d8cd98f00b204e9800998ecf8427",
        "d41d8cd98f00b204e9800998ecf8427g", "opaque"}) {
    EXPECT_TRUE(etag_agrees_with_md5(etag, "1B2M2Y8AsgTpgAmY7PhCfg==")) << etag;
  }
}

TEST(ETag, DisagreesWithWhatIsNoContentMd5) {
  for (const char *md5 : {"", "1B2M2Y8AsgTpgAmY7PhCfg", "d41d8cd98f00b204e9800998ecf8427e",
                          "????????????????????????", "                        "}) {
    EXPECT_FALSE(etag_agrees_with_md5("d41d8cd98f00b204e9800998ecf8427e", md5)) << md5;
  }
}

}  // namespace
}  // namespace b2neon
