#include "core/retry.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "unit/http_test_server.h"
#include "unit/http_wait.h"

namespace b2neon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::unique_ptr<HttpExchange> answered(const std::string &bytes) {
  HttpTestServer server(bytes, true);
  return performed(local_get(server.url()));
}

std::unique_ptr<HttpExchange> answered_with_status(int status, const std::string &lines = "") {
  return answered("HTTP/1.1 " + std::to_string(status) + " Whatever\r\nContent-Length: 0\r\n" +
                  lines + "\r\n");
}

TEST(Retry, MayHelpWhereTheStoreIsOverloaded) {
  for (int status : {408, 429, 500, 502, 503, 504}) {
    EXPECT_TRUE(may_succeed_later(*answered_with_status(status))) << status;
  }
}

TEST(Retry, IsForTheSameAnswersAsTheWordsThatTheStoreCannotAnswerNow) {
  for (int status = 100; status < 600; status++) {
    const bool is_one_of_six = status == 408 || status == 429 || status == 500 || status == 502 ||
                               status == 503 || status == 504;
    EXPECT_EQ(is_passing_status(status), is_one_of_six) << status;
  }
}

TEST(Retry, DoesNotHelpAgainstOtherAnswers) {
  for (int status : {200, 204, 301, 302, 307, 308, 400, 401, 403, 404, 409, 412, 501, 505}) {
    EXPECT_FALSE(may_succeed_later(*answered_with_status(status))) << status;
  }
}

TEST(Retry, MayHelpWhereThereWasNoConnectionOrItBrokeOff) {
  EXPECT_TRUE(may_succeed_later(*answered("")));
  EXPECT_TRUE(may_succeed_later(*answered("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na")));
  EXPECT_TRUE(may_succeed_later(*performed(local_get("http://unknown.test/"))));
  HttpTestServer silent("");
  HttpRequest request = local_get(silent.url());
  request.request_timeout_ms = 50;
  EXPECT_TRUE(may_succeed_later(*performed(request)));
}

TEST(Retry, DoesNotHelpAgainstNonsense) {
  EXPECT_FALSE(may_succeed_later(*answered("SSH-2.0-OpenSSH_9.2\r\n\r\n")));
  EXPECT_FALSE(
      may_succeed_later(*answered("HTTP/1.1 503 Busy\r\nX: " + std::string(70000, 'x') + "\r\n")));
  HttpRequest elsewhere = local_get("http://127.0.0.1:1/");
  elsewhere.allow_private_address = false;
  EXPECT_FALSE(may_succeed_later(*performed(elsewhere)));
}

TEST(Backoff, DoublesAndIsHalfRandom) {
  milliseconds longest(100);
  for (int attempts = 1; attempts <= kMaxAttempts; attempts++, longest *= 2) {
    auto least = longest, most = milliseconds(0);
    for (uint32_t random = 0; random < 5000; random++) {
      least = std::min(least, backoff(attempts, random));
      most = std::max(most, backoff(attempts, random));
    }
    EXPECT_EQ(least, longest / 2) << attempts;
    EXPECT_EQ(most, longest) << attempts;
  }
}

TEST(Backoff, HasABoundAtBothEnds) {
  EXPECT_EQ(backoff(-1, 0), backoff(1, 0));
  EXPECT_EQ(backoff(1000000, 0), backoff(kMaxAttempts, 0));
}

TEST(RetryAfter, IsSeconds) {
  EXPECT_EQ(read_retry_after("0", ""), seconds(0));
  EXPECT_EQ(read_retry_after("120", ""), seconds(120));
  EXPECT_EQ(read_retry_after("007", ""), seconds(7));
  EXPECT_EQ(read_retry_after("99999999999999999999", ""), seconds(INT32_MAX));
}

// The store's clock decides, and not the one of this machine.
TEST(RetryAfter, IsADateBesideTheAnswersOwn) {
  const char *date = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:51:37 GMT", date), seconds(120));
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", date), seconds(0));
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", date), seconds(0));
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 2094 08:00:00 GMT", date), seconds(INT32_MAX));
}

TEST(RetryAfter, IsNothingElse) {
  for (const char *text : {"", "-1", "1.5", "soon", "1 ", "0x10", "+5"}) {
    EXPECT_EQ(read_retry_after(text, "Sun, 06 Nov 1994 08:49:37 GMT"), std::nullopt) << text;
  }
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:51:37 GMT", ""), std::nullopt);
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:51:37 GMT", "today"), std::nullopt);
}

TEST(RetryAfter, IsReadFromTheAnswer) {
  EXPECT_EQ(asked_to_wait(*answered_with_status(503, "retry-after:  3 \r\n")), seconds(3));
  EXPECT_EQ(asked_to_wait(*answered_with_status(503)), std::nullopt);
}

}  // namespace
}  // namespace b2neon
