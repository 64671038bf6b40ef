#include <gtest/gtest.h>

#include <string>

#include "unit/http_test_server.h"
#include "unit/http_wait.h"
#include "unit/name_lookup.h"

namespace b2neon {
namespace {

constexpr char kEmptyAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

HttpRequest get(const std::string &host, const HttpTestServer &server) {
  HttpRequest request;
  request.method = "GET";
  request.url = "http://" + host + ":" + std::to_string(server.port()) + "/";
  return request;
}

void expect_forbidden(const HttpExchange &exchange) {
  EXPECT_EQ(exchange.failure(), HttpFailure::kForbiddenAddress) << exchange.failure_text();
  EXPECT_STREQ(exchange.failure_text(), "the host is at a private address");
  EXPECT_EQ(exchange.status(), 0);
}

TEST(HttpPrivateAddress, IsForbiddenByDefaultAndNothingReachesIt) {
  HttpTestServer server(kEmptyAnswer);
  expect_forbidden(*performed(get("127.0.0.1", server)));
  EXPECT_EQ(server.connection_count(), 0);
}

TEST(HttpPrivateAddress, IsForbiddenHoweverItIsWritten) {
  HttpTestServer server(kEmptyAnswer);
  for (const char *host : {"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.",
                           "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "0.0.0.0", "[::]"}) {
    auto exchange = performed(get(host, server));
    EXPECT_NE(exchange->failure(), HttpFailure::kNone) << host;
  }
  EXPECT_EQ(server.connection_count(), 0);
}

TEST(HttpPrivateAddress, IsForbiddenBehindAName) {
  HttpTestServer server(kEmptyAnswer);
  expect_forbidden(*performed(get("localhost", server)));
  expect_forbidden(*performed(get("loopback.test", server)));
  EXPECT_EQ(server.connection_count(), 0);
}

TEST(HttpPrivateAddress, CanBeAllowed) {
  HttpTestServer server(kEmptyAnswer);
  for (const char *host : {"127.0.0.1", "loopback.test"}) {
    HttpRequest request = get(host, server);
    request.allow_private_address = true;
    EXPECT_EQ(performed(request)->status(), 200) << host;
  }
}

// Otherwise a connection that one exchange was allowed would serve all others.
TEST(HttpPrivateAddress, IsForbiddenThoughAConnectionToItIsOpen) {
  HttpTestServer server(kEmptyAnswer);
  std::unique_ptr<HttpClient> client = HttpClient::create();
  HttpRequest request = get("loopback.test", server);
  request.allow_private_address = true;
  HttpExchange allowed(request);
  perform(*client, allowed);
  ASSERT_EQ(allowed.status(), 200);

  HttpExchange forbidden(get("loopback.test", server));
  perform(*client, forbidden);
  expect_forbidden(forbidden);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(HttpPrivateAddress, IsStillAllowedAfterARefusal) {
  HttpTestServer server(kEmptyAnswer);
  std::unique_ptr<HttpClient> client = HttpClient::create();
  HttpExchange forbidden(get("127.0.0.1", server));
  perform(*client, forbidden);
  expect_forbidden(forbidden);
  HttpRequest request = get("127.0.0.1", server);
  request.allow_private_address = true;
  HttpExchange allowed(request);
  perform(*client, allowed);
  EXPECT_EQ(allowed.status(), 200);
}

}  // namespace
}  // namespace b2neon
