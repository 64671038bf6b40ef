#include "core/object_exchange.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "unit/aws_example.h"
#include "unit/http_test_server.h"
#include "unit/http_wait.h"
#include "unit/reference_signer.h"

namespace b2neon {
namespace {

// A signer for a bucket that `server` plays.
class LocalBucket {
 public:
  explicit LocalBucket(const HttpTestServer &server) : access_(aws_example()) {
    access_.endpoint = {"http", "127.0.0.1", server.port()};
    access_.url_style = UrlStyle::kPath;
    signer_ = Signer::create(access_);
  }
  Signer &signer() { return *signer_; }
  const BucketAccess &access() const { return access_; }

 private:
  BucketAccess access_;
  std::unique_ptr<Signer> signer_;
};

ObjectRequest request_for(std::string_view method, std::string_view object_key) {
  ObjectRequest request;
  request.method = method;
  request.object_key = object_key;
  request.signed_at = kAwsExampleTime;
  return request;
}

bool has_line(const std::string &sent, const std::string &line) {
  return sent.find("\r\n" + line + "\r\n") != std::string::npos;
}

TEST(SignedExchange, SendsARequestThatIsSignedInItsHeaders) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  LocalBucket bucket(server);
  const ObjectRequest request = request_for("HEAD", "a b/ü");
  std::unique_ptr<HttpExchange> exchange =
      signed_exchange(bucket.signer(), request, "", {1000, 2000, true});
  ASSERT_NE(exchange, nullptr);
  perform(*HttpClient::create(), *exchange);
  EXPECT_EQ(exchange->status(), 200) << exchange->failure_text();

  const std::string sent = server.requests().at(0);
  EXPECT_EQ(sent.substr(0, sent.find("\r\n")), "HEAD /examplebucket/a%20b/%C3%BC HTTP/1.1");
  EXPECT_TRUE(has_line(sent, "Host: 127.0.0.1:" + std::to_string(server.port())));
  EXPECT_TRUE(has_line(sent, "x-amz-date: 20130524T000000Z"));
  EXPECT_TRUE(has_line(sent,
                       "x-amz-content-sha256: "
                       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  EXPECT_TRUE(
      has_line(sent, "Authorization: " + reference::authorization(bucket.access(), request, "")));
  EXPECT_EQ(sent.find(bucket.access().application_key), std::string::npos);
}

TEST(SignedExchange, KeepsToItsLimits) {
  HttpTestServer server("");
  LocalBucket bucket(server);
  std::unique_ptr<HttpClient> client = HttpClient::create();

  auto late = signed_exchange(bucket.signer(), request_for("HEAD", "a"), "", {1000, 100, true});
  perform(*client, *late);
  EXPECT_EQ(late->failure(), HttpFailure::kTimeout);
  auto forbidden =
      signed_exchange(bucket.signer(), request_for("HEAD", "a"), "", {1000, 100, false});
  perform(*client, *forbidden);
  EXPECT_EQ(forbidden->failure(), HttpFailure::kForbiddenAddress);
}

TEST(PresignedExchange, SendsWhatSomebodyWithTheUrlWouldSend) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  LocalBucket bucket(server);
  const NameValue signed_header[1] = {{"Content-Type", "text/plain"}};
  const NameValue unsigned_header[1] = {{"x-amz-copy-source", "/examplebucket/b"}};
  ObjectRequest request = request_for("PUT", "a");
  request.headers = signed_header;
  std::unique_ptr<HttpExchange> exchange = presigned_exchange(
      bucket.signer(), request, "PUT", unsigned_header, "body", {1000, 2000, true});
  ASSERT_NE(exchange, nullptr);
  perform(*HttpClient::create(), *exchange);
  EXPECT_EQ(exchange->status(), 200) << exchange->failure_text();

  const std::string sent = server.requests().at(0);
  const std::string start = "PUT /examplebucket/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&";
  EXPECT_EQ(sent.substr(0, start.size()), start);
  EXPECT_NE(sent.find("&X-Amz-SignedHeaders=content-type%3Bhost&"), std::string::npos);
  EXPECT_TRUE(has_line(sent, "Content-Type: text/plain"));
  EXPECT_TRUE(has_line(sent, "x-amz-copy-source: /examplebucket/b"));
  EXPECT_TRUE(has_line(sent, "Content-Length: 4"));
  EXPECT_EQ(sent.find("Authorization"), std::string::npos);
}

TEST(PresignedExchange, SaysHowLongNothingIs) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  LocalBucket bucket(server);
  std::unique_ptr<HttpExchange> exchange = presigned_exchange(
      bucket.signer(), request_for("PUT", "a"), "PUT", {}, "", {1000, 2000, true});
  perform(*HttpClient::create(), *exchange);
  EXPECT_TRUE(has_line(server.requests().at(0), "Content-Length: 0"));
}

TEST(PresignedExchange, AsksBeforehandWhetherTheUrlMayBeUsed) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  LocalBucket bucket(server);
  const ObjectRequest request = request_for("PUT", "a");
  std::string url(bucket.signer().url_bound(request), '\0');
  url.resize(bucket.signer().presign(request, 60, url.data()));
  std::unique_ptr<HttpExchange> exchange =
      presigned_exchange(bucket.signer(), request, "OPTIONS", {}, "", {1000, 2000, true});
  perform(*HttpClient::create(), *exchange);

  const std::string sent = server.requests().at(0);
  const std::string target = url.substr(url.find("/examplebucket"));
  EXPECT_EQ(sent.substr(0, sent.find("\r\n")), "OPTIONS " + target + " HTTP/1.1");
}

}  // namespace
}  // namespace b2neon
