#include "core/http_calls.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/retry.h"
#include "unit/http_test_server.h"
#include "unit/http_wait.h"

namespace b2neon {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr char kBusy[] = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";

std::unique_ptr<HttpCall> call_to(const std::string &url, milliseconds time_limit,
                                  bool may_be_repeated = true) {
  return std::make_unique<HttpCall>(
      [url] { return std::make_unique<HttpExchange>(local_get(url)); }, time_limit,
      may_be_repeated);
}

// Carries the calls out as the PostgreSQL shell does it. Gives the statuses in the order in which
// the attempts ended.
std::vector<int> carry_out(HttpClient &client, const std::vector<HttpCall *> &list) {
  HttpCalls calls(client, list);
  std::vector<int> statuses;
  const auto deadline = Clock::now() + std::chrono::seconds(30);
  for (;;) {
    while (const HttpCall *call = calls.advance()) {
      statuses.push_back(call->last_attempt() ? call->last_attempt()->status() : -1);
    }
    if (calls.done()) return statuses;
    EXPECT_LT(Clock::now(), deadline) << "the calls never ended";
    if (Clock::now() > deadline) return statuses;
    wait_once(client, calls.timeout_ms());
  }
}

// A server that answers with these one after the other, and with the last one from then on.
HttpTestServer::Handler in_turn(std::vector<std::string> answers) {
  auto count = std::make_shared<std::atomic<size_t>>(0);
  return [answers, count](const std::string &) {
    const size_t number = std::min(count->fetch_add(1), answers.size() - 1);
    return HttpTestServer::Reply{answers[number], answers[number].empty()};
  };
}

TEST(HttpCall, IsOverWhenItSucceeds) {
  HttpTestServer server(kOk);
  auto client = HttpClient::create();
  auto call = call_to(server.url(), milliseconds(5000));
  EXPECT_FALSE(call->done());
  EXPECT_EQ(call->last_attempt(), nullptr);
  EXPECT_EQ(carry_out(*client, {call.get()}), std::vector({200}));
  EXPECT_TRUE(call->done());
  EXPECT_EQ(call->attempts(), 1);
}

TEST(HttpCall, IsRepeatedUntilItSucceeds) {
  HttpTestServer server(in_turn({"", kBusy, kOk}));
  auto client = HttpClient::create();
  auto call = call_to(server.url(), milliseconds(5000));
  const auto begin = Clock::now();
  EXPECT_EQ(carry_out(*client, {call.get()}), std::vector({0, 503, 200}));
  EXPECT_EQ(call->attempts(), 3);
  EXPECT_EQ(call->last_attempt()->status(), 200);
  EXPECT_GE(Clock::now() - begin, milliseconds(50 + 100));
}

TEST(HttpCall, IsRepeatedABoundedNumberOfTimes) {
  HttpTestServer server(kBusy);
  auto client = HttpClient::create();
  auto call = call_to(server.url(), milliseconds(60000));
  EXPECT_EQ(carry_out(*client, {call.get()}), std::vector(kMaxAttempts, 503));
  EXPECT_EQ(call->attempts(), kMaxAttempts);
}

TEST(HttpCall, IsNotRepeatedWhereItMayNotBe) {
  HttpTestServer server(kBusy);
  auto client = HttpClient::create();
  auto call = call_to(server.url(), milliseconds(5000), false);
  EXPECT_EQ(carry_out(*client, {call.get()}), std::vector({503}));
}

TEST(HttpCall, IsNotRepeatedWhereThatDoesNotHelp) {
  HttpTestServer server("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
  auto client = HttpClient::create();
  auto call = call_to(server.url(), milliseconds(5000));
  EXPECT_EQ(carry_out(*client, {call.get()}), std::vector({403}));
}

TEST(HttpCall, TakesNoLongerThanItsLimitWithAllItsAttempts) {
  HttpTestServer server(in_turn({kBusy, kBusy, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"}));
  auto client = HttpClient::create();
  auto call = call_to(server.url(), milliseconds(700));
  const auto begin = Clock::now();
  EXPECT_EQ(carry_out(*client, {call.get()}).size(), 3u);
  EXPECT_EQ(call->last_attempt()->failure(), HttpFailure::kTimeout);
  EXPECT_GE(Clock::now() - begin, milliseconds(650));
  EXPECT_LT(Clock::now() - begin, milliseconds(3000));
}

TEST(HttpCall, IsNotRepeatedWhereNoTimeIsLeftToWait) {
  HttpTestServer server(kBusy);
  auto client = HttpClient::create();
  auto call = call_to(server.url(), milliseconds(49));
  EXPECT_EQ(carry_out(*client, {call.get()}), std::vector({503}));
}

TEST(HttpCall, WaitsAsLongAsItIsAskedTo) {
  HttpTestServer server(
      in_turn({"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", kOk}));
  auto client = HttpClient::create();
  auto call = call_to(server.url(), milliseconds(5000));
  const auto begin = Clock::now();
  EXPECT_EQ(carry_out(*client, {call.get()}), std::vector({503, 200}));
  EXPECT_GE(Clock::now() - begin, milliseconds(1000));
}

TEST(HttpCall, IsOverAtOnceWhereItIsAskedToWaitTooLong) {
  HttpTestServer server("HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n");
  auto client = HttpClient::create();
  auto call = call_to(server.url(), milliseconds(5000));
  const auto begin = Clock::now();
  EXPECT_EQ(carry_out(*client, {call.get()}), std::vector({503}));
  EXPECT_LT(Clock::now() - begin, milliseconds(1000));
}

TEST(HttpCall, EndsWhereNoAttemptCanBeMade) {
  auto client = HttpClient::create();
  HttpCall call([] { return nullptr; }, milliseconds(1000), true);
  EXPECT_EQ(carry_out(*client, {&call}), std::vector({-1}));
  EXPECT_TRUE(call.done());
  EXPECT_EQ(call.last_attempt(), nullptr);
}

// Nobody tells libcurl that time has passed, as if it had forgotten the attempt.
TEST(HttpCall, IsGivenUpWhereLibcurlDoesNotEndIt) {
  HttpTestServer silent("");
  auto client = HttpClient::create();
  auto call = call_to(silent.url(), milliseconds(50));
  HttpCall *list[] = {call.get()};
  HttpCalls calls(*client, list);
  EXPECT_EQ(calls.advance(), nullptr);
  std::this_thread::sleep_for(milliseconds(1100));
  EXPECT_EQ(calls.advance(), call.get());
  EXPECT_TRUE(calls.done());
  EXPECT_EQ(call->last_attempt()->failure(), HttpFailure::kTimeout);

  HttpTestServer server(kOk);
  auto next = call_to(server.url(), milliseconds(5000));
  EXPECT_EQ(carry_out(*client, {next.get()}), std::vector({200}));
}

TEST(HttpCall, CanBeAbandonedAtAnyTime) {
  HttpTestServer silent("");
  HttpTestServer busy(kBusy);
  auto client = HttpClient::create();
  {
    auto waiting = call_to(silent.url(), milliseconds(60000));
    auto retrying = call_to(busy.url(), milliseconds(60000));
    HttpCall *list[] = {waiting.get(), retrying.get()};
    HttpCalls calls(*client, list);
    while (!calls.advance()) wait_once(*client, calls.timeout_ms());
  }
  HttpTestServer server(kOk);
  auto next = call_to(server.url(), milliseconds(5000));
  EXPECT_EQ(carry_out(*client, {next.get()}), std::vector({200}));
}

std::vector<HttpCall *> pointers(const std::vector<std::unique_ptr<HttpCall>> &calls) {
  std::vector<HttpCall *> result;
  for (const auto &call : calls) result.push_back(call.get());
  return result;
}

TEST(HttpCalls, AreNone) {
  auto client = HttpClient::create();
  EXPECT_EQ(carry_out(*client, {}), std::vector<int>());
}

TEST(HttpCalls, AllGetTheirTurn) {
  HttpTestServer server(kOk);
  auto client = HttpClient::create();
  std::vector<std::unique_ptr<HttpCall>> calls;
  for (int i = 0; i < 500; i++) {
    calls.push_back(call_to(server.url("/" + std::to_string(i)), milliseconds(20000)));
  }
  EXPECT_EQ(carry_out(*client, pointers(calls)), std::vector<int>(500, 200));
  EXPECT_EQ(server.requests().size(), 500u);
  EXPECT_LE(server.connection_count(), static_cast<int>(HttpClient::kMaxConnections));
}

// The limit of one call counts from its own turn.
TEST(HttpCalls, DoNotWaitForOneThatHangs) {
  HttpTestServer server([](const std::string &request) {
    return HttpTestServer::Reply{request.find("/slow") != std::string::npos ? "" : kOk, false};
  });
  auto client = HttpClient::create();
  std::vector<std::unique_ptr<HttpCall>> calls;
  calls.push_back(call_to(server.url("/slow"), milliseconds(500)));
  for (int i = 0; i < 100; i++) calls.push_back(call_to(server.url(), milliseconds(500)));
  const std::vector<int> statuses = carry_out(*client, pointers(calls));
  EXPECT_EQ(statuses.size(), 101u);
  EXPECT_EQ(statuses.back(), 0);
  EXPECT_EQ(calls[0]->last_attempt()->failure(), HttpFailure::kTimeout);
}

TEST(HttpCalls, KnowWhenTheyOnlyWaitToRetry) {
  HttpTestServer server(kBusy);
  auto client = HttpClient::create();
  auto call = call_to(server.url(), milliseconds(5000));
  HttpCall *list[] = {call.get()};
  HttpCalls calls(*client, list);
  EXPECT_EQ(calls.advance(), nullptr);
  EXPECT_FALSE(calls.only_waits_to_retry());
  while (!calls.advance()) wait_once(*client, calls.timeout_ms());
  EXPECT_TRUE(calls.only_waits_to_retry());
  EXPECT_FALSE(calls.done());
  EXPECT_GE(calls.timeout_ms(), 0);
  EXPECT_LE(calls.timeout_ms(), 100);
}

TEST(HttpClient, CountsItsSockets) {
  HttpTestServer server(kOk);
  auto client = HttpClient::create();
  EXPECT_EQ(client->count_open_sockets(), 0u);
  std::vector<std::unique_ptr<HttpCall>> calls;
  for (int i = 0; i < 5; i++) calls.push_back(call_to(server.url(), milliseconds(5000)));
  carry_out(*client, pointers(calls));
  EXPECT_EQ(client->count_open_sockets(), static_cast<size_t>(server.connection_count()));
  EXPECT_GE(client->count_open_sockets(), 1u);

  // Old versions of libcurl find out that a connection is gone when they want to use it again.
  HttpTestServer gone("", true);
  const size_t before = client->count_open_sockets();
  for (int i = 0; i < 5; i++) {
    auto broken = call_to(gone.url(), milliseconds(5000), false);
    carry_out(*client, {broken.get()});
  }
  EXPECT_LE(client->count_open_sockets(), before + 1);
}

}  // namespace
}  // namespace b2neon
