#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "unit/http_test_server.h"
#include "unit/http_wait.h"

namespace b2neon {
namespace {

constexpr char kEmptyAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

size_t open_fd_count() {
  size_t count = 0;
  for ([[maybe_unused]] const auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    count++;
  }
  return count;
}

// Bytes that malloc has given out; always 0 under AddressSanitizer, which finds leaks by itself.
size_t allocated_bytes() {
#if __GLIBC_PREREQ(2, 33)
  return mallinfo2().uordblks;
#else
  return static_cast<size_t>(mallinfo().uordblks);
#endif
}

TEST(HttpConnection, IsUsedAgain) {
  HttpTestServer server(kEmptyAnswer);
  std::unique_ptr<HttpClient> client = HttpClient::create();
  for (int i = 0; i < 50; i++) {
    HttpExchange exchange(local_get(server.url()));
    perform(*client, exchange);
    ASSERT_EQ(exchange.status(), 200);
  }
  EXPECT_EQ(server.connection_count(), 1);
  EXPECT_EQ(server.requests().size(), 50u);
}

TEST(HttpConnection, IsUsedAgainAfterAnErrorStatusAndAfterHead) {
  HttpTestServer server("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  std::unique_ptr<HttpClient> client = HttpClient::create();
  for (const char *method : {"HEAD", "GET", "HEAD", "DELETE"}) {
    HttpRequest request = local_get(server.url());
    request.method = method;
    HttpExchange exchange(request);
    perform(*client, exchange);
    ASSERT_EQ(exchange.status(), 404);
  }
  EXPECT_EQ(server.connection_count(), 1);
}

// The store may have closed it meanwhile; that is no failure of the next exchange.
TEST(HttpConnection, IsMadeAnewWhereTheOtherSideClosedIt) {
  HttpTestServer server(kEmptyAnswer, true);
  std::unique_ptr<HttpClient> client = HttpClient::create();
  for (int i = 0; i < 5; i++) {
    HttpExchange exchange(local_get(server.url()));
    perform(*client, exchange);
    ASSERT_EQ(exchange.failure(), HttpFailure::kNone) << exchange.failure_text();
  }
  EXPECT_EQ(server.connection_count(), 5);
}

TEST(HttpConnection, IsNotUsedAgainAfterATimeout) {
  HttpTestServer server([](const std::string &request) {
    return HttpTestServer::Reply{request.substr(0, 10) == "GET /quiet" ? "" : kEmptyAnswer, false};
  });
  std::unique_ptr<HttpClient> client = HttpClient::create();
  HttpRequest request = local_get(server.url("/quiet"));
  request.request_timeout_ms = 100;
  HttpExchange quiet(request);
  perform(*client, quiet);
  ASSERT_EQ(quiet.failure(), HttpFailure::kTimeout);
  HttpExchange next(local_get(server.url()));
  perform(*client, next);
  EXPECT_EQ(next.status(), 200);
  EXPECT_EQ(server.connection_count(), 2);
}

TEST(HttpClient, WaitsForNothingAtRest) {
  HttpTestServer server(kEmptyAnswer);
  std::unique_ptr<HttpClient> client = HttpClient::create();
  EXPECT_EQ(client->timeout_ms(), -1);
  EXPECT_TRUE(client->sockets().empty());
  HttpExchange exchange(local_get(server.url()));
  perform(*client, exchange);
  EXPECT_TRUE(client->sockets().empty());
}

// The second answer comes while nobody has asked for it.
TEST(HttpConnection, IsNotUsedAgainWhereItTalksUnasked) {
  Listener listener;
  std::thread thread([&listener] {
    for (const char *version : {"first", "second"}) {
      const int fd = accept(listener.fd(), nullptr, nullptr);
      char buffer[4096];
      ASSERT_GT(recv(fd, buffer, sizeof buffer, 0), 0);
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Version: " + std::string(version) + "\r\n\r\n";
      send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      constexpr char kStale[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Version: stale\r\n\r\n";
      send(fd, kStale, sizeof kStale - 1, MSG_NOSIGNAL);
      while (recv(fd, buffer, sizeof buffer, 0) > 0) continue;
      close(fd);
    }
  });
  std::unique_ptr<HttpClient> client = HttpClient::create();
  for (const char *version : {"first", "second"}) {
    HttpExchange exchange(local_get("http://127.0.0.1:" + std::to_string(listener.port()) + "/"));
    perform(*client, exchange);
    EXPECT_EQ(exchange.header("X-Version"), version) << exchange.failure_text();
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
  client.reset();
  thread.join();
}

TEST(HttpConnection, IsNotUsedAgainForWhatMustNotBeSentTwice) {
  HttpTestServer server(kEmptyAnswer);
  std::unique_ptr<HttpClient> client = HttpClient::create();
  for (int i = 0; i < 3; i++) {
    HttpRequest request = local_get(server.url());
    request.method = "PUT";
    request.may_reuse_connection = false;
    HttpExchange exchange(request);
    perform(*client, exchange);
    EXPECT_EQ(exchange.status(), 200);
  }
  EXPECT_EQ(server.connection_count(), 3);
}

// Newer versions of libcurl try several addresses at a time.
TEST(HttpClient, WaitsForAsManySocketsAsLibcurlOpens) {
  FullListener full;
  std::unique_ptr<HttpClient> client = HttpClient::create();
  std::vector<std::unique_ptr<HttpExchange>> exchanges;
  for (size_t i = 0; i < HttpClient::kMaxConnections; i++) {
    HttpRequest request = local_get("http://many.test:" + std::to_string(full.port()) + "/");
    request.request_timeout_ms = 1500;
    exchanges.push_back(std::make_unique<HttpExchange>(request));
    client->start(*exchanges.back());
  }
  for (const auto &exchange : exchanges) {
    finish(*client, *exchange);
    EXPECT_EQ(exchange->failure(), HttpFailure::kTimeout) << exchange->failure_text();
  }
  EXPECT_EQ(client->count_open_sockets(), 0u);

  HttpTestServer server(kEmptyAnswer);
  HttpExchange next(local_get(server.url()));
  perform(*client, next);
  EXPECT_EQ(next.status(), 200);
}

TEST(HttpClient, CarriesManyExchangesAtOnce) {
  HttpTestServer server([](const std::string &request) {
    const std::string body = request.substr(4, request.find(' ', 4) - 4);
    return HttpTestServer::Reply{
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
        false};
  });
  std::unique_ptr<HttpClient> client = HttpClient::create();
  std::vector<std::unique_ptr<HttpExchange>> exchanges;
  for (int i = 0; i < 200; i++) {
    exchanges.push_back(
        std::make_unique<HttpExchange>(local_get(server.url("/" + std::to_string(i)))));
    client->start(*exchanges.back());
  }
  for (int i = 0; i < 200; i++) {
    finish(*client, *exchanges[static_cast<size_t>(i)]);
    EXPECT_EQ(exchanges[static_cast<size_t>(i)]->body(), "/" + std::to_string(i));
    EXPECT_LE(client->count_open_sockets(), HttpClient::kMaxConnections);
  }
}

TEST(HttpClient, ForgetsAnExchangeThatIsDestroyedUnderWay) {
  HttpTestServer server([](const std::string &request) {
    return HttpTestServer::Reply{request.substr(0, 10) == "GET /quiet" ? "" : kEmptyAnswer, false};
  });
  std::unique_ptr<HttpClient> client = HttpClient::create();
  // After no wait at all, after the connection, and while the answer is awaited.
  for (int waits = 0; waits < 6; waits++) {
    {
      HttpExchange exchange(local_get(server.url("/quiet")));
      client->start(exchange);
      for (int i = 0; i < waits; i++) {
        if (client->timeout_ms() > 100) break;  // waiting for the answer
        wait_once(*client);
      }
      EXPECT_FALSE(exchange.done());
    }
    EXPECT_TRUE(client->sockets().empty()) << waits;
    HttpExchange next(local_get(server.url()));
    perform(*client, next);
    EXPECT_EQ(next.status(), 200);
  }
}

TEST(HttpClient, GivesBackWhatAThousandExchangesTook) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-A: b\r\n\r\n" +
                        std::string(100, 'x'));
  std::unique_ptr<HttpClient> client = HttpClient::create();
  auto exchange_once = [&](int i) {
    HttpRequest request = local_get(server.url());
    request.headers = {"X-One: 1", "X-Two: 2"};
    HttpExchange exchange(request);
    client->start(exchange);
    if (i % 10 == 0) return;  // destroyed under way
    finish(*client, exchange);
    ASSERT_EQ(exchange.status(), 200);
  };
  for (int i = 0; i < 1000; i++) exchange_once(i);
  server.forget_requests();
  const size_t fds = open_fd_count();
  const size_t bytes = allocated_bytes();
  for (int i = 0; i < 1000; i++) exchange_once(i);
  EXPECT_LE(open_fd_count(), fds + 4);
  server.forget_requests();
  EXPECT_LE(allocated_bytes(), bytes + 20000);
}

TEST(HttpClient, ClosesItsConnections) {
  HttpTestServer server(kEmptyAnswer);
  const size_t fds = open_fd_count();
  for (int i = 0; i < 20; i++) {
    std::unique_ptr<HttpClient> client = HttpClient::create();
    HttpExchange exchange(local_get(server.url()));
    perform(*client, exchange);
  }
  // The server's own ends may still be about to close.
  EXPECT_LE(open_fd_count(), fds + 8);
}

}  // namespace
}  // namespace b2neon
