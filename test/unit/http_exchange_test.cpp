#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "unit/http_test_server.h"
#include "unit/http_wait.h"

namespace b2neon {
namespace {

void expect_answer(const HttpExchange &exchange, int status, std::string_view body) {
  EXPECT_TRUE(exchange.done());
  EXPECT_EQ(exchange.failure(), HttpFailure::kNone) << exchange.failure_text();
  EXPECT_EQ(exchange.status(), status);
  EXPECT_EQ(exchange.body(), body);
}

TEST(HttpExchange, HasStatusHeadersAndBodyOfTheAnswer) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello");
  auto exchange = performed(local_get(server.url()));
  expect_answer(*exchange, 200, "hello");
  EXPECT_EQ(exchange->header("X-A"), "b");
}

TEST(HttpExchange, HasNothingBeforeItIsDone) {
  HttpExchange exchange(local_get("http://127.0.0.1/"));
  EXPECT_FALSE(exchange.done());
  EXPECT_EQ(exchange.status(), 0);
  EXPECT_EQ(exchange.failure(), HttpFailure::kNone);
  EXPECT_EQ(exchange.header("X-A"), "");
  EXPECT_EQ(exchange.body(), "");
}

TEST(HttpExchange, TakesAnErrorStatusForAnAnswer) {
  for (int status : {403, 404, 412, 500, 503}) {
    HttpTestServer server("HTTP/1.1 " + std::to_string(status) +
                          " Whatever\r\nContent-Length: 8\r\n\r\n<Error/>");
    expect_answer(*performed(local_get(server.url())), status, "<Error/>");
  }
}

TEST(HttpExchange, ReadsAChunkedBody) {
  HttpTestServer server(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n");
  expect_answer(*performed(local_get(server.url())), 200, "hello!");
}

TEST(HttpExchange, ReadsABodyUntilTheConnectionEnds) {
  HttpTestServer server("HTTP/1.0 200 OK\r\n\r\nhello", true);
  expect_answer(*performed(local_get(server.url())), 200, "hello");
}

TEST(HttpExchange, ReadsNoBodyAfterHead) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
  HttpRequest request = local_get(server.url());
  request.method = "HEAD";
  auto exchange = performed(request);
  expect_answer(*exchange, 200, "");
  EXPECT_EQ(exchange->header("content-length"), "5000");
  EXPECT_EQ(server.requests().at(0).substr(0, 16), "HEAD / HTTP/1.1\r");
}

TEST(HttpExchange, SendsTheHeadersAndTheBodyOfTheRequest) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  HttpRequest request = local_get(server.url("/a"));
  request.method = "POST";
  request.headers = {"X-One: 1", "Content-Type: text/xml"};
  request.body = std::string("<Delete\0/>", 10);
  expect_answer(*performed(request), 200, "");
  const std::string sent = server.requests().at(0);
  EXPECT_EQ(sent.substr(0, 17), "POST /a HTTP/1.1\r");
  EXPECT_NE(sent.find("\r\nX-One: 1\r\n"), std::string::npos);
  EXPECT_NE(sent.find("\r\nContent-Type: text/xml\r\n"), std::string::npos);
  EXPECT_NE(sent.find("\r\nContent-Length: 10\r\n"), std::string::npos);
  EXPECT_EQ(sent.substr(sent.find("\r\n\r\n") + 4), request.body);
}

TEST(HttpExchange, SaysWhoAsks) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  performed(local_get(server.url()));
  EXPECT_NE(server.requests().at(0).find("\r\nUser-Agent: b2neon/" B2NEON_VERSION "\r\n"),
            std::string::npos);
}

// The signature covers the path and the host as they are.
TEST(HttpExchange, SendsThePathAsItIs) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  for (const char *path :
       {"/b/a/../c", "/b/./a", "/b//a", "/b/%2E%2e/%20%C3%A4", "/b/a?x=%20&y="}) {
    performed(local_get(server.url(path)));
    EXPECT_EQ(server.requests().back().substr(0, 14 + strlen(path)),
              std::string("GET ") + path + " HTTP/1.1\r");
  }
  EXPECT_NE(
      server.requests().at(0).find("\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"),
      std::string::npos);
}

TEST(HttpExchange, FollowsNoRedirect) {
  HttpTestServer other("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  HttpTestServer server("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + other.url() +
                        "\r\n\r\n");
  auto exchange = performed(local_get(server.url()));
  expect_answer(*exchange, 302, "");
  EXPECT_EQ(exchange->header("location"), other.url());
  EXPECT_EQ(other.connection_count(), 0);
}

TEST(HttpExchange, UsesNoProxyOfTheEnvironment) {
  HttpTestServer proxy("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  setenv("http_proxy", proxy.url().c_str(), 1);
  setenv("ALL_PROXY", proxy.url().c_str(), 1);
  expect_answer(*performed(local_get(server.url())), 200, "");
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
  EXPECT_EQ(proxy.connection_count(), 0);
}

TEST(HttpExchange, SpeaksHttpOnly) {
  for (const char *url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/",
                          "dict://127.0.0.1/", "nonsense://127.0.0.1/"}) {
    auto exchange = performed(local_get(url));
    EXPECT_EQ(exchange->failure(), HttpFailure::kMalformed) << url;
    EXPECT_EQ(exchange->body(), "");
  }
}

TEST(HttpExchange, EndsWithoutAnAnswerWhereTheUrlIsBroken) {
  for (const char *url : {"", "http://", "http://127.0.0.1:99999/", "http://a b/"}) {
    auto exchange = performed(local_get(url));
    EXPECT_NE(exchange->failure(), HttpFailure::kNone) << url;
    EXPECT_STRNE(exchange->failure_text(), "") << url;
  }
}

TEST(HttpExchange, IsRefusedWhereNothingListens) {
  int port;
  {
    Listener gone;
    port = gone.port();
  }
  auto exchange = performed(local_get("http://127.0.0.1:" + std::to_string(port) + "/"));
  EXPECT_EQ(exchange->failure(), HttpFailure::kConnect);
  EXPECT_NE(std::string(exchange->failure_text()).find("connect"), std::string::npos)
      << exchange->failure_text();
}

TEST(HttpExchange, HasNoAnswerWhereTheConnectionEndsEarly) {
  for (const char *bytes : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"}) {
    HttpTestServer server(bytes, true);
    auto exchange = performed(local_get(server.url()));
    EXPECT_EQ(exchange->failure(), HttpFailure::kBroken) << bytes;
    EXPECT_STRNE(exchange->failure_text(), "") << bytes;
  }
}

// What is missing could be the header that matters.
TEST(HttpExchange, HasNoAnswerWhereTheHeadersEndEarly) {
  for (const char *method : {"HEAD", "GET"}) {
    for (const char *bytes : {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
                              "HTTP/1.1 204 No Content\r\nETag: \"a\"\r\nx-amz-ver"}) {
      HttpTestServer server(bytes, true);
      HttpRequest request = local_get(server.url());
      request.method = method;
      EXPECT_EQ(performed(request)->failure(), HttpFailure::kBroken) << method << " " << bytes;
    }
  }
}

TEST(HttpExchange, HasNoAnswerWhereItIsNotHttp) {
  for (const char *bytes : {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "hello\r\n", "HTTP/1.1 abc OK\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) {
    HttpTestServer server(bytes, true);
    auto exchange = performed(local_get(server.url()));
    EXPECT_EQ(exchange->failure(), HttpFailure::kMalformed) << bytes;
  }
}

TEST(HttpExchange, HasNoAnswerWhereItsChunksAreNone) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", true);
  EXPECT_EQ(performed(local_get(server.url()))->failure(), HttpFailure::kBroken);
}

TEST(HttpExchange, KnowsThePathOfItsUrl) {
  for (const auto &[url, path] : {std::pair("https://host/a%20b/c?X-Amz-Signature=d", "/a%20b/c"),
                                  {"https://host:1?a=/b", "/"},
                                  {"https://host", "/"},
                                  {"nonsense", "/"}}) {
    EXPECT_EQ(HttpExchange(local_get(url)).path(), path) << url;
  }
}

// The texts go into an error's DETAIL, and may end in a log.
TEST(HttpExchange, TellsNoSecretInItsFailure) {
  for (const char *bytes : {"", "nonsense\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) {
    HttpTestServer server(bytes, true);
    HttpRequest request = local_get(server.url("/a?X-Amz-Signature=secret"));
    request.headers = {"Authorization: secret"};
    auto exchange = performed(request);
    EXPECT_NE(exchange->failure(), HttpFailure::kNone);
    EXPECT_EQ(std::string(exchange->failure_text()).find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace b2neon
