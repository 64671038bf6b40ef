#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "unit/http_test_server.h"
#include "unit/http_wait.h"
#include "unit/name_lookup.h"

namespace b2neon {
namespace {

constexpr char kEmptyAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

std::string url(const char *host, const HttpTestServer &server) {
  return std::string("http://") + host + ":" + std::to_string(server.port()) + "/";
}

TEST(HttpNameLookup, FindsTheHost) {
  HttpTestServer server(kEmptyAnswer);
  EXPECT_EQ(performed(local_get(url("loopback.test", server)))->status(), 200);
}

TEST(HttpNameLookup, SaysThatThereIsNoSuchHost) {
  auto exchange = performed(local_get("http://unknown.test/a?b"));
  EXPECT_EQ(exchange->failure(), HttpFailure::kNameLookup);
  EXPECT_STREQ(exchange->failure_text(), "Could not resolve host: unknown.test");
}

// A handler of PostgreSQL that ran in libcurl's thread would take it for the backend.
TEST(HttpNameLookup, HappensInAThreadThatGetsNoSignal) {
  HttpTestServer server(kEmptyAnswer);
  performed(local_get(url("loopback.test", server)));
  const NameLookup lookup = last_name_lookup();
  ASSERT_TRUE(lookup.in_other_thread);
  for (int signal = 1; signal <= SIGRTMAX; signal++) {
    // Nobody can block the first two, and the C library keeps those below SIGRTMIN for itself.
    if (signal == SIGKILL || signal == SIGSTOP || (signal >= 32 && signal < SIGRTMIN)) continue;
    EXPECT_EQ(sigismember(&lookup.blocked_signals, signal), 1) << signal;
  }
}

TEST(HttpNameLookup, LeavesTheSignalMaskOfTheCallerAlone) {
  sigset_t before, after;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  HttpTestServer server(kEmptyAnswer);
  performed(local_get(url("loopback.test", server)));
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  for (int signal = 1; signal <= SIGRTMAX; signal++) {
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
  }
}

TEST(HttpNameLookup, DoesNotMakeTheCallerWait) {
  HttpTestServer server(kEmptyAnswer);
  std::unique_ptr<HttpClient> client = HttpClient::create();
  HttpExchange exchange(local_get(url("slow.test", server)));
  client->start(exchange);
  auto longest = std::chrono::steady_clock::duration::zero();
  while (!exchange.done()) {
    // As wait_once(), with the waiting left out.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto begin = std::chrono::steady_clock::now();
    if (client->timeout_ms() == 0) client->on_timeout();
    const std::vector<HttpClient::Socket> sockets(client->sockets().begin(),
                                                  client->sockets().end());
    for (const HttpClient::Socket &socket : sockets) {
      client->on_socket(socket.fd, socket.wants_read, socket.wants_write);
    }
    longest = std::max(longest, std::chrono::steady_clock::now() - begin);
  }
  EXPECT_EQ(exchange.status(), 200);
  EXPECT_LT(longest, std::chrono::milliseconds(500));
}

TEST(HttpNameLookup, TimesOut) {
  HttpTestServer server(kEmptyAnswer);
  HttpRequest request = local_get(url("slow.test", server));
  request.connect_timeout_ms = 200;
  auto exchange = performed(request);
  EXPECT_EQ(exchange->failure(), HttpFailure::kTimeout);
  EXPECT_STREQ(exchange->failure_text(), "timed out while looking up the host name");
}

// Older libcurls wait for the thread to end (CURLOPT_QUICK_EXIT).
#if LIBCURL_VERSION_NUM >= 0x075700
TEST(HttpNameLookup, IsNotWaitedForAfterTheTimeout) {
  HttpTestServer server(kEmptyAnswer);
  HttpRequest request = local_get(url("slow.test", server));
  request.connect_timeout_ms = 100;
  const auto begin = std::chrono::steady_clock::now();
  performed(request).reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(700));
}
#endif

TEST(HttpNameLookup, CanBeAbandoned) {
  HttpTestServer server(kEmptyAnswer);
  std::unique_ptr<HttpClient> client = HttpClient::create();
  {
    HttpExchange exchange(local_get(url("slow.test", server)));
    client->start(exchange);
    for (int i = 0; i < 5; i++) wait_once(*client);
    EXPECT_FALSE(exchange.done());
  }
  HttpExchange next(local_get(url("loopback.test", server)));
  perform(*client, next);
  EXPECT_EQ(next.status(), 200);
}

}  // namespace
}  // namespace b2neon
