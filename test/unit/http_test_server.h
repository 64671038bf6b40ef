#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace b2neon {

/// A listening TCP socket on a free port of 127.0.0.1.
class Listener {
 public:
  explicit Listener(int backlog = 128);
  ~Listener();
  Listener(const Listener &) = delete;
  Listener &operator=(const Listener &) = delete;

  int fd() const { return fd_; }
  int port() const { return port_; }

 private:
  int fd_;
  int port_;
};

/// A listening socket whose queue of connections is full, so that the kernel ignores further ones:
/// connecting takes for ever.
class FullListener {
 public:
  FullListener();
  ~FullListener();
  FullListener(const FullListener &) = delete;
  FullListener &operator=(const FullListener &) = delete;

  int port() const { return listener_.port(); }

 private:
  Listener listener_{0};
  int waiting_[4];
};

/// A small HTTP/1.1 server in a thread of its own, that does what a test tells it to.
class HttpTestServer {
 public:
  struct Reply {
    std::string bytes;  // sent as they are; without any, the server stays silent
    bool close = false;
  };
  /// Makes the reply to a request: its head and, where it has a Content-Length, its body.
  using Handler = std::function<Reply(const std::string &request)>;

  explicit HttpTestServer(Handler handler);
  /// Answers every request alike.
  explicit HttpTestServer(const std::string &bytes, bool close = false);
  ~HttpTestServer();
  HttpTestServer(const HttpTestServer &) = delete;
  HttpTestServer &operator=(const HttpTestServer &) = delete;

  int port() const { return listener_.port(); }
  std::string url(const std::string &path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port()) + path;
  }
  int connection_count() const { return connection_count_; }
  std::vector<std::string> requests() const;
  void forget_requests();

 private:
  struct Connection;

  void run();
  bool serve(Connection &connection);

  Handler handler_;
  Listener listener_;
  int wake_[2];
  std::atomic<int> connection_count_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace b2neon
