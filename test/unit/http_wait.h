#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/http_client.h"

namespace b2neon {

/// Waits once, as the PostgreSQL shell does it, and tells the client what happened. `timeout` is in
/// milliseconds; -1: no limit of its own.
inline void wait_once(HttpClient &client, long timeout) {
  std::vector<pollfd> fds;
  for (const HttpClient::Socket &socket : client.sockets()) {
    const int events = (socket.wants_read ? POLLIN : 0) | (socket.wants_write ? POLLOUT : 0);
    if (events != 0) fds.push_back({socket.fd, static_cast<short>(events), 0});
  }
  poll(fds.data(), fds.size(), timeout < 0 ? 1000 : static_cast<int>(std::min(timeout, 1000L)));
  if (client.timeout_ms() == 0) client.on_timeout();
  for (const pollfd &fd : fds) {
    if (fd.revents == 0) continue;
    client.on_socket(fd.fd, (fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0,
                     (fd.revents & (POLLOUT | POLLHUP | POLLERR)) != 0);
  }
}

inline void wait_once(HttpClient &client) {
  wait_once(client, client.timeout_ms());
}

inline void finish(HttpClient &client, HttpExchange &exchange) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!exchange.done()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the exchange never ended";
    wait_once(client);
  }
}

inline void perform(HttpClient &client, HttpExchange &exchange) {
  client.start(exchange);
  finish(client, exchange);
}

inline HttpRequest local_get(const std::string &url) {
  HttpRequest request;
  request.method = "GET";
  request.url = url;
  request.allow_private_address = true;
  return request;
}

/// A request by a client of its own, to its end.
inline std::unique_ptr<HttpExchange> performed(HttpRequest request) {
  std::unique_ptr<HttpClient> client = HttpClient::create();
  auto exchange = std::make_unique<HttpExchange>(std::move(request));
  perform(*client, *exchange);
  return exchange;
}

}  // namespace b2neon
