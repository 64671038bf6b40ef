#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "unit/http_test_server.h"
#include "unit/http_wait.h"

namespace b2neon {
namespace {

TEST(HttpTimeout, SaysThatNoAnswerCame) {
  HttpTestServer server("");
  HttpRequest request = local_get(server.url());
  request.request_timeout_ms = 200;
  auto exchange = performed(request);
  EXPECT_EQ(exchange->failure(), HttpFailure::kTimeout);
  EXPECT_STREQ(exchange->failure_text(), "timed out while waiting for an answer");
  EXPECT_EQ(exchange->status(), 0);
}

TEST(HttpTimeout, SaysThatNoAnswerCameOnAConnectionThatIsUsedAgain) {
  HttpTestServer server([](const std::string &request) {
    return HttpTestServer::Reply{
        request.substr(0, 10) == "GET /quiet" ? "" : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        false};
  });
  std::unique_ptr<HttpClient> client = HttpClient::create();
  HttpExchange first(local_get(server.url("/")));
  perform(*client, first);
  HttpRequest request = local_get(server.url("/quiet"));
  request.request_timeout_ms = 200;
  HttpExchange second(request);
  perform(*client, second);
  EXPECT_EQ(server.connection_count(), 1);
  EXPECT_EQ(second.failure(), HttpFailure::kTimeout);
  EXPECT_STREQ(second.failure_text(), "timed out while waiting for an answer");
}

TEST(HttpTimeout, SaysThatTheAnswerStopped) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
  HttpRequest request = local_get(server.url());
  request.request_timeout_ms = 200;
  auto exchange = performed(request);
  EXPECT_EQ(exchange->failure(), HttpFailure::kTimeout);
  EXPECT_STREQ(exchange->failure_text(), "timed out while reading the answer");
}

TEST(HttpTimeout, SaysThatItCouldNotConnect) {
  FullListener listener;
  // A look-up has a socket of its own, which is read.
  for (const char *host : {"127.0.0.1", "loopback.test"}) {
    HttpRequest request =
        local_get("http://" + std::string(host) + ":" + std::to_string(listener.port()) + "/");
    request.connect_timeout_ms = 200;
    const auto begin = std::chrono::steady_clock::now();
    auto exchange = performed(request);
    EXPECT_EQ(exchange->failure(), HttpFailure::kTimeout);
    EXPECT_STREQ(exchange->failure_text(), "timed out while connecting") << host;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  }
}

// Bytes that trickle in keep no exchange alive.
TEST(HttpTimeout, CountsTheWholeExchange) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
  HttpRequest request = local_get(server.url());
  request.request_timeout_ms = 300;
  const auto begin = std::chrono::steady_clock::now();
  auto exchange = performed(request);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(290));
  EXPECT_LT(took, std::chrono::seconds(3));
}

TEST(HttpBody, MayBeAsLargeAsTheLimit) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
  HttpRequest request = local_get(server.url());
  request.max_body_size = 1000;
  auto exchange = performed(request);
  EXPECT_EQ(exchange->failure(), HttpFailure::kNone);
  EXPECT_EQ(exchange->body().size(), 1000u);
}

TEST(HttpBody, MayNotBeLarger) {
  for (size_t size : {size_t{1001}, size_t{1} << 24}) {
    HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) +
                          "\r\n\r\n" + std::string(size, 'x'));
    HttpRequest request = local_get(server.url());
    request.max_body_size = 1000;
    auto exchange = performed(request);
    EXPECT_EQ(exchange->failure(), HttpFailure::kTooLarge);
    EXPECT_STREQ(exchange->failure_text(), "the answer is too large");
    EXPECT_LE(exchange->body().size(), 1000u);
  }
}

// The body comes in pieces, of which each alone would be small enough.
TEST(HttpBody, IsMeasuredAsAWhole) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 16777216\r\n\r\n" +
                        std::string(16777216, 'x'));
  HttpRequest request = local_get(server.url());
  request.max_body_size = 4000000;
  auto exchange = performed(request);
  EXPECT_EQ(exchange->failure(), HttpFailure::kTooLarge);
  EXPECT_LE(exchange->body().size(), 4000000u);
}

TEST(HttpBody, MayNotBeLargerWhereItsSizeIsNotSaid) {
  HttpTestServer server("HTTP/1.0 200 OK\r\n\r\n" + std::string(100000, 'x'), true);
  HttpRequest request = local_get(server.url());
  request.max_body_size = 1000;
  EXPECT_EQ(performed(request)->failure(), HttpFailure::kTooLarge);
}

std::string header_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; i++) lines += "X-A: " + std::string(1000, 'x') + "\r\n";
  return lines;
}

TEST(HttpHeaders, MayHaveTensOfKilobytes) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + header_lines(60) + "\r\n");
  EXPECT_EQ(performed(local_get(server.url()))->failure(), HttpFailure::kNone);
}

TEST(HttpHeaders, MayNotHave64KilobytesTogether) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + header_lines(66) + "\r\n");
  auto exchange = performed(local_get(server.url()));
  EXPECT_EQ(exchange->failure(), HttpFailure::kTooLarge);
  EXPECT_STREQ(exchange->failure_text(), "the answer is too large");
}

TEST(HttpHeaders, MayNotHave64KilobytesInOneLine) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: " + std::string(70000, 'x') +
                        "\r\n\r\n");
  EXPECT_EQ(performed(local_get(server.url()))->failure(), HttpFailure::kTooLarge);
}

// libcurl stops by itself here, and what it calls that depends on its version.
TEST(HttpHeaders, MayNotHaveALineOfMegabytes) {
  HttpTestServer server(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: " + std::string(5000000, 'x') + "\r\n\r\n");
  auto exchange = performed(local_get(server.url()));
  EXPECT_NE(exchange->failure(), HttpFailure::kNone);
  EXPECT_LT(exchange->header("X-A").size(), 65536u);
}

TEST(HttpHeaders, OfInterimAnswersAreNotAddedUp) {
  std::string interim = "HTTP/1.1 103 Early Hints\r\n" + header_lines(20) + "\r\n";
  HttpTestServer server(interim + interim + interim + interim +
                        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(performed(local_get(server.url()))->failure(), HttpFailure::kNone);
}

}  // namespace
}  // namespace b2neon
