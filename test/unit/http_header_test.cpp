#include <gtest/gtest.h>

#include <string>

#include "unit/http_test_server.h"
#include "unit/http_wait.h"

namespace b2neon {
namespace {

// The answer with these header lines.
std::unique_ptr<HttpExchange> answer(const std::string &lines) {
  HttpTestServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + lines + "\r\n");
  return performed(local_get(server.url()));
}

TEST(HttpHeader, IsFoundInAnyCase) {
  auto exchange = answer("ETag: \"a\"\r\n");
  EXPECT_EQ(exchange->header("etag"), "\"a\"");
  EXPECT_EQ(exchange->header("ETAG"), "\"a\"");
}

TEST(HttpHeader, IsNoTrailer) {
  HttpTestServer server(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: ETag\r\n\r\n"
      "1\r\na\r\n0\r\nETag: \"a\"\r\n\r\n");
  auto exchange = performed(local_get(server.url()));
  EXPECT_EQ(exchange->status(), 200) << exchange->failure_text();
  EXPECT_EQ(exchange->header("ETag"), "");
}

TEST(HttpHeader, IsEmptyWhereThereIsNone) {
  auto exchange = answer("X-A: b\r\n");
  EXPECT_EQ(exchange->header("X-B"), "");
  EXPECT_EQ(exchange->header(""), "");
  EXPECT_EQ(exchange->header("HTTP/1.1 200 OK"), "");
}

TEST(HttpHeader, IsNotAnotherThatBeginsTheSame) {
  auto exchange = answer("X-Amz-Meta-Ab: 1\r\nX-Amz-Meta-A: 2\r\n");
  EXPECT_EQ(exchange->header("x-amz-meta-a"), "2");
  EXPECT_EQ(exchange->header("x-amz-meta"), "");
}

TEST(HttpHeader, HasNoBlanksAroundItsValue) {
  auto exchange = answer("A:b\r\nC: \t d e \t \r\nF:\r\nG:  \r\n");
  EXPECT_EQ(exchange->header("A"), "b");
  EXPECT_EQ(exchange->header("C"), "d e");
  EXPECT_EQ(exchange->header("F"), "");
  EXPECT_EQ(exchange->header("G"), "");
}

TEST(HttpHeader, MayHaveColonsInItsValue) {
  EXPECT_EQ(answer("A: b:c: d\r\n")->header("A"), "b:c: d");
}

TEST(HttpHeader, GivenTwiceIsTheFirst) {
  EXPECT_EQ(answer("A: 1\r\na: 2\r\n")->header("A"), "1");
}

TEST(HttpHeader, MayEndWithALineFeedOnly) {
  HttpTestServer server("HTTP/1.1 200 OK\nContent-Length: 0\nA: b\n\n");
  EXPECT_EQ(performed(local_get(server.url()))->header("A"), "b");
}

TEST(HttpHeader, OfAnInterimAnswerDoesNotCount) {
  HttpTestServer server(
      "HTTP/1.1 103 Early Hints\r\nA: early\r\nB: early\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: late\r\n\r\n");
  auto exchange = performed(local_get(server.url()));
  EXPECT_EQ(exchange->status(), 200);
  EXPECT_EQ(exchange->header("A"), "late");
  EXPECT_EQ(exchange->header("B"), "");
}

TEST(HttpHeader, IsNotReplacedByATrailer) {
  HttpTestServer server(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\nA: head\r\n\r\n"
      "1\r\nx\r\n0\r\nA: trailer\r\n\r\n");
  EXPECT_EQ(performed(local_get(server.url()))->header("A"), "head");
}

TEST(HttpHeader, CannotBeFakedByANameThatLooksLikeAStatusLine) {
  auto exchange = answer("A: 1\r\nHTTP/1.1: x\r\nB: 2\r\n");
  EXPECT_EQ(exchange->header("B"), "2");
  EXPECT_EQ(exchange->header("A"), "1");
}

}  // namespace
}  // namespace b2neon
